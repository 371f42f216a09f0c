/** A whole program against f64: right on the devices there are, and the first wrong command named when one kernel is broken. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { createCpuDevice } from '../../src/devices/wasm/device.ts';
import type { Device } from '../../src/engine/device.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { forkModule, kernelPlaces, wgslOf } from '../../src/lab/fork.ts';
import { checkProgram, PROGRAMS } from '../../src/lab/program/checkProgram.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';
import { openOrSkip } from '../support/webgpu.ts';

const test = suite('lab/program');
const oracleOf = ({ panelWidth, crossPanelWidth }: Device): Device =>
  createReferenceDevice({ panelWidth, crossPanelWidth });

test('on the CPU: every command within its tolerance, and near f64 to the end', async () => {
  const device = await createCpuDevice(createNodePlatform(), { threads: 1 });
  try {
    for (const program of PROGRAMS) {
      const before = device.bytesHeld;
      const { commands, right, firstWrong } = await checkProgram(device, oracleOf(device), { program });
      assert.ok(right, firstWrong?.failures.join());
      assert.ok(commands.length > 20, `${commands.length} commands`);
      assert.is(commands[0]!.program, { encoder: 'encoder.conv', token: commands[0]!.program }[program]);
      assert.ok(commands.every(({ drift }) => drift < 1e-3));
      assert.ok(commands.some(({ drift }) => drift > 0));
      // What threads need for what was prepared stays.
      assert.ok(device.bytesHeld - before < 200_000, `${device.bytesHeld - before} bytes are kept`);
    }
  } finally {
    await device.close();
  }
});

test('the first command that is wrong is named, and what follows from it is not', async () => {
  const broken = kernels.map((module) =>
    module.kernel.name === 'layerNorm'
      ? {
          ...module,
          reference: ((args, dims, ...rest) => {
            module.reference(args, dims, ...rest);
            args.y![dims.nState! + 3]! += 0.5;
          }) satisfies typeof module.reference,
        }
      : module,
  );
  const device = createReferenceDevice({ modules: broken });
  const { commands, right, firstWrong } = await checkProgram(device, oracleOf(device), { program: 'encoder' });
  assert.not(right);
  assert.ok(firstWrong);
  assert.is(firstWrong.kernel, 'layerNorm');
  assert.is(firstWrong.program, 'encoder.layer0');
  assert.is(firstWrong.index, 0);
  assert.is(firstWrong.outputs[0]!.worst!.index, 128 + 3);
  assert.is(commands[commands.indexOf(firstWrong) + 1]!.right, true);
  assert.ok(commands.at(-1)!.drift > 1e-2);
});

const gpu = await openOrSkip('whole programs');
if (gpu)
  test('an edited variant runs in place of its kernel', async () => {
    const module = kernels.find(({ kernel }) => kernel.name === 'layerNorm')!;
    const place = (await kernelPlaces(gpu, module)).find(({ variant }) => variant === 'threadPerRow')!;
    const { wgsl } = await wgslOf(gpu, module, place);
    const edited = wgsl.replace('* gamma[k]', '* gamma[0]');
    assert.is.not(edited, wgsl);
    const fork = await forkModule(gpu, module, { kernel: 'layerNorm', ...place, wgsl: edited });
    const { firstWrong } = await checkProgram(gpu, oracleOf(gpu), { program: 'encoder', edited: [fork] });
    assert.ok(firstWrong);
    assert.is(firstWrong.kernel, 'layerNorm');
    assert.is(firstWrong.index, 0);
    await gpu.close();
  });

test.run();
