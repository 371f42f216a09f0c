/** Whatever the engine was doing when its device was lost: the next one gives what it would have given. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../src/base/errors.ts';
import type { DecodeGroup, SharedCandidates } from '../../src/decode/inference.ts';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import type { Device } from '../../src/engine/device.ts';
import { type Engine, Engines, type Reopen } from '../../src/lasting/engines.ts';
import { LastingInference } from '../../src/lasting/lastingInference.ts';
import { createInference, type ModelInference } from '../../src/model/inference.ts';
import { dims, melOf, prompt, readerOf, rules } from '../model/smallModel.ts';
import { randomWeights } from '../support/plainWhisper.ts';
import { throws } from '../support/throws.ts';

const test = suite('lasting/lastingInference');
const reader = readerOf(randomWeights(dims, 11));

interface Losing {
  readonly device: Device;
  /** How often it was read. */
  readonly reads: () => number;
}

/** A device that is lost at a read; what is written and submitted after that comes to nothing, as with WebGPU. */
function losing(lostAt: number): Losing {
  const real = createReferenceDevice();
  let reads = 0;
  let tell: (info: { reason: string }) => void = () => {};
  const lost = new Promise<{ readonly reason: string }>((resolve) => {
    tell = resolve;
  });
  const isLost = (): boolean => reads >= lostAt || reads === Number.POSITIVE_INFINITY;
  const device: Device = {
    ...real,
    kind: 'webgpu',
    lost,
    write: (...call) => (isLost() ? undefined : real.write(...call)),
    submit: (...call) => (isLost() ? undefined : real.submit(...call)),
    async read(...call) {
      reads++;
      if (!isLost()) return real.read(...call);
      tell({ reason: 'planted' });
      throw new DeviceError('lost', 'The GPU device is gone: planted');
    },
    async close() {
      reads = Number.POSITIVE_INFINITY;
      await real.close();
    },
  };
  return { device, reads: () => reads };
}

async function engineOn(device: Device): Promise<Engine> {
  const options = {
    alignmentHeads: [
      [1, 0],
      [1, 2],
      [2, 1],
    ] as [number, number][],
  };
  return { device, inference: await createInference(device, dims, reader, options) };
}

/** @returns what the work gives, and at how many reads a device could have been lost */
async function run<T>(
  work: (inference: ModelInference) => Promise<T>,
  lostAt = Number.POSITIVE_INFINITY,
): Promise<{ readonly found: T; readonly reads: number; readonly losses: readonly number[] }> {
  const first = losing(lostAt);
  const losses: number[] = [];
  const reopen: Reopen = async (count) => {
    losses.push(count);
    return engineOn(losing(Number.POSITIVE_INFINITY).device);
  };
  const engines = new Engines(await engineOn(first.device), reopen);
  try {
    return { found: await work(new LastingInference(engines)), reads: first.reads(), losses };
  } finally {
    await engines.close();
  }
}

async function groupOf(inference: ModelInference, seed: number, rows: number): Promise<DecodeGroup> {
  const audio = await inference.encode(melOf(seed));
  return { audio, initialTokens: prompt, sotIndex: 0, rows };
}

const WORK: Readonly<Record<string, (inference: ModelInference) => Promise<unknown>>> = {
  async greedy(inference) {
    const group = await groupOf(inference, 1, 1);
    const first = await inference.greedy([group], rules, 6);
    group.audio.close();
    const second = await groupOf(inference, 2, 1);
    return [first, await inference.greedy([second], rules, 6)];
  },

  async beams(inference) {
    const group = await groupOf(inference, 1, 3);
    return inference.beams([group], rules, { wanted: 3, limit: 6 });
  },

  async 'step by step, with rows that change places'(inference) {
    const decoding = await inference.start([await groupOf(inference, 3, 2)], rules);
    const found: unknown[] = [decoding.noSpeechProb];
    for (const sources of [[0, 0], [1, 0], [1, 1], undefined]) {
      const { tokens, logprobs } = await decoding.candidates(2);
      found.push([...tokens], [...logprobs]);
      decoding.advance([tokens[0]!, tokens[3]!], sources);
    }
    found.push(await decoding.logits(20, 30));
    decoding.close();
    return found;
  },

  async 'shared rows that come and go'(inference) {
    await inference.reserveAudio(3);
    const groups = [await groupOf(inference, 1, 1), await groupOf(inference, 2, 1), await groupOf(inference, 3, 1)];
    const shared = await inference.shareRows(3, 1);
    const found: unknown[] = [];
    const best = async (): Promise<number[]> => {
      const { tokens, logprobs }: SharedCandidates = await shared.candidates(1);
      found.push([...tokens], [...logprobs]);
      return [...tokens];
    };
    found.push(await shared.join([{ place: 2, group: groups[0]!, rules }]));
    const [a] = await best();
    found.push(await shared.join([1, 2].map((i) => ({ place: i - 1, group: groups[i]!, rules }))));
    const [b, c] = await best();
    // In another order than that of the places.
    shared.advance([
      { place: 2, tokens: [a!] },
      { place: 0, tokens: [b!] },
      { place: 1, tokens: [c!] },
    ]);
    found.push(await shared.logits(1, 10, 20));
    const [d, , f] = await best();
    // Who is not there any more is not asked for.
    shared.leave(0);
    groups[1]!.audio.close();
    found.push(await shared.logits(2, 10, 20));
    const again = await shared.candidates(1);
    found.push(again.tokens[0], again.tokens[2]);
    const sampled = await shared.greedy(
      [
        { place: 1, tokens: [f!] },
        { place: 2, tokens: [d!] },
      ],
      3,
    );
    found.push(sampled);
    shared.advance(sampled.map(({ tokens }, i) => ({ place: i + 1, tokens: tokens.slice(-1) })));
    await best();
    shared.close();
    return found;
  },

  async align(inference) {
    const { audio } = await groupOf(inference, 4, 1);
    const heads: unknown[] = [];
    const request = { audio, tokens: [...prompt, 105, 5, 6, 7, rules.eot], columns: 9, vocabEnd: 100 };
    const probabilities = await inference.align?.(request, (scores, layer, head) => {
      heads.push([layer, head, ...scores]);
    });
    return [heads, probabilities];
  },
};

for (const [name, work] of Object.entries(WORK)) {
  test(`lost at any moment: ${name}`, async () => {
    const whole = await run(work);
    assert.ok(whole.reads > 2, `${whole.reads} reads`);
    assert.equal(whole.losses, []);
    let nLost = 0;
    for (let lostAt = 1; lostAt <= whole.reads; lostAt++) {
      const { found, losses } = await run(work, lostAt);
      assert.equal(found, whole.found, `lost at read ${lostAt}`);
      assert.ok(
        losses.every((count) => count === 1),
        `lost at read ${lostAt}`,
      );
      nLost += losses.length;
    }
    // How many steps go into one submit follows the time that they take, and so does the number of reads.
    assert.ok(nLost > 2, `${nLost} losses`);
  });
}

test('the same work that loses one device after the other says how many; other work counts anew', async () => {
  const devices = [losing(1), losing(1), losing(Number.POSITIVE_INFINITY)].map(({ device }) => device);
  const losses: number[] = [];
  const engines = new Engines(await engineOn(devices[0]!), async (count) => {
    losses.push(count);
    return engineOn(devices[losses.length]!);
  });
  await groupOf(new LastingInference(engines), 1, 1);
  assert.equal(losses, [1, 2]);
  await engines.close();
});

test('without another engine the error is of the loss, and one that is closed is not opened again', async () => {
  const refusing: Reopen = async () => {
    throw new DeviceError('lost', 'none is left');
  };
  const engines = new Engines(await engineOn(losing(1).device), refusing);
  await throws(DeviceError, 'lost', () => groupOf(new LastingInference(engines), 1, 1), 'none is left');
  await engines.close();

  const reopened: number[] = [];
  const closed = new Engines(await engineOn(losing(9).device), async (losses) => {
    reopened.push(losses);
    return engineOn(losing(9).device);
  });
  await closed.close();
  await throws(DeviceError, 'lost', () => groupOf(new LastingInference(closed), 1, 1));
  assert.equal(reopened, []);
});

test.run();
