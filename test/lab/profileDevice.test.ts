/** A device that is looked at command by command computes what it would without, and tells what ran. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InternalError } from '../../src/base/errors.ts';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { record } from '../../src/engine/program.ts';
import { kvAppend } from '../../src/kernels/attention/kvAppend.ts';
import { layerNorm } from '../../src/kernels/norm/layerNorm.ts';
import { profileDevice } from '../../src/lab/profileDevice.ts';
import { modelSuite } from '../model/modelSuite.ts';
import { throws } from '../support/throws.ts';

modelSuite('profiled reference', async () => profileDevice(createReferenceDevice()));

const test = suite('profileDevice');

test('commands are told with their runs and live rows, the longest first', async () => {
  const plain = createReferenceDevice();
  const device = profileDevice(plain);
  const make = (name: string, ...shape: number[]) => device.allocate(name, 'f32', shape, 'state');
  const [x, gamma, beta, y] = [make('x', 8, 4), make('gamma', 4), make('beta', 4), make('y', 8, 4)];
  device.write(
    x,
    Float32Array.from({ length: 32 }, (_, i) => i * i),
  );
  device.write(gamma, new Float32Array(4).fill(1));
  const twice = record('twice', (p) => {
    const between = p.scratch('between', 'f32', [8, 4]);
    p.run(layerNorm, { x, gamma, beta, y: between });
    p.run(layerNorm, { x: between, gamma, beta, y });
  });
  const [profiled] = await device.prepare([twice]);
  device.submit(profiled!, { rows: 3, times: 2 });
  const seen = await device.read(y);

  const [whole] = await plain.prepare([twice]);
  plain.write(y, new Float32Array(32));
  plain.submit(whole!, { rows: 3 });
  assert.equal(seen.slice(0, 12), (await plain.read(y)).slice(0, 12));

  const profile = device.takeProfile();
  assert.equal(profile.length, 1);
  const { kernel, variant, title, runs, flops, totalMs } = profile[0]!;
  assert.equal(
    { kernel, variant, title, runs },
    {
      kernel: 'layerNorm',
      variant: 'reference',
      title: 'rows 3 nState 4',
      runs: 4,
    },
  );
  assert.is(flops, 4 * layerNorm.cost({ rows: 3, nState: 4 }, {}).flops);
  assert.ok(totalMs >= 0);
  assert.equal(device.takeProfile(), []);
  await device.close();
});

test('what changes its own input runs once', async () => {
  let submitted = 0;
  const plain = createReferenceDevice();
  const device = profileDevice({
    ...plain,
    submit: (work, options) => {
      submitted += options?.times ?? 1;
      plain.submit(work, options);
    },
  });
  const state = (name: string, dtype: 'f32' | 'u32', ...shape: number[]) =>
    device.allocate(name, dtype, shape, 'state');
  const append = record('append', (p) => {
    p.run(kvAppend, {
      qkv: state('qkv', 'f32', 1, 12),
      rowState: state('rowState', 'u32', 1, 4),
      keys: state('keys', 'f32', 1, 8, 4),
      values: state('values', 'f32', 1, 8, 4),
      slotOf: state('slotOf', 'u32', 1, 8),
    });
  });
  const [work] = await device.prepare([append]);
  device.submit(work!);
  await device.read(state('other', 'f32', 1));
  assert.is(submitted, 1);
});

test('an error of work handed over comes out at the next read', async () => {
  const plain = createReferenceDevice();
  const device = profileDevice(plain);
  const x = plain.allocate('x', 'f32', [4], 'state');
  const y = plain.allocate('y', 'f32', [4], 'state');
  plain.free(x);
  device.write(x, new Float32Array(4));
  await throws(InternalError, 'internal', device.read(y), 'x is not in this device');
});

test.run();
