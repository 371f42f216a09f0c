/** Versions in turn: each round has all of them, the first is what others are compared with, and all memory is given back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import type { Executable } from '../../src/engine/device.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { timeInTurn } from '../../src/lab/timeInTurn.ts';

const test = suite('lab/timeInTurn');
const layerNorm = kernels.find(({ kernel }) => kernel.name === 'layerNorm')!;

test('each round has every version once, there and back', async () => {
  const plain = createReferenceDevice();
  const order: Executable[] = [];
  const device = {
    ...plain,
    submit(...[work, options]: Parameters<typeof plain.submit>) {
      order.push(work);
      plain.submit(work, options);
    },
  };
  const versions = [1, 1].map((caseIndex) => ({ module: layerNorm, caseIndex }));
  const timed = await timeInTurn(device, versions, { rounds: 3, seriesMs: 1 });
  assert.is(timed.length, 2);
  assert.equal([timed[0]!.ratio, timed[0]!.ratioRange], [1, [1, 1]]);
  const { ratio, ratioRange, bestMs, medianMs } = timed[1]!;
  assert.ok(ratioRange[0] <= ratio && ratio <= ratioRange[1]);
  assert.ok(0 < bestMs && bestMs <= medianMs);
  const [a, b] = [order[0]!, order.at(-1)!];
  assert.is.not(a, b);
  const turns = order.slice(-6).map((work) => (work === a ? 'a' : work === b ? 'b' : '?'));
  assert.is(turns.join(''), 'abbaab');
  assert.is(plain.bytesHeld, 0);
});

test('a signal stops between two series', async () => {
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  const run = timeInTurn(createReferenceDevice(), [{ module: layerNorm, caseIndex: 1 }], { signal: controller.signal });
  assert.is(String(await run.catch((error: unknown) => error)), 'Error: enough');
});

test.run();
