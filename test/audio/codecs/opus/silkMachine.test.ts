import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OpusRange } from '../../../../src/audio/codecs/opus/opusRange.ts';
import { prepareSilk, silkSyntheses } from '../../../../src/audio/codecs/opus/silkMachine.ts';
import { PlainSynthesis, SILK_HISTORY } from '../../../../src/audio/codecs/opus/silkSynthesis.ts';
import { randomStream } from '../../../../src/base/random.ts';

const test = suite('silkMachine');
await prepareSilk();

function bits(values: ArrayLike<number>): Uint32Array {
  return new Uint32Array(Float32Array.from(values).buffer);
}

test('WebAssembly synthesizes what JavaScript does, to the bit', () => {
  const syntheses = silkSyntheses();
  const plain = [new PlainSynthesis(), new PlainSynthesis()] as const;
  const random = randomStream(11);
  const below = (n: number): number => Math.floor(n * random());
  let nLimited = 0;
  for (let i = 0; i < 400; i++) {
    const c = i % 3 === 2 ? 1 : 0;
    const [fast, slow] = [syntheses[c], plain[c]];
    assert.not(fast instanceof PlainSynthesis, 'this machine has it');
    const rate = [8000, 12000, 16000][below(3)]!;
    const nSubframes = below(2) === 0 ? 2 : 4;
    const head = {
      nSamples: (rate / 200) * nSubframes,
      nSubframes,
      order: rate === 16000 ? 16 : 10,
      isVoiced: below(3) > 0,
      longTermScale: [15565, 12288, 8192][below(3)]! / 16384,
      isInterpolated: nSubframes === 4 && below(2) === 0,
    } as const;
    const loudness = 10 ** (below(4) - 2);
    const value = (scale: number): number => Math.fround(scale * (2 * random() - 1));
    const arrays = {
      excitation: () => value(0.02),
      gains: () => Math.fround(loudness * (0.5 + random())),
      // Of every kind: some filters grow until they are limited.
      lpc: () => value(i % 5 === 0 ? 0.5 : 0.2),
      lpcBefore: () => value(0.2),
      lags: () => (rate / 1000) * 2 + below((rate / 1000) * 16 + 1),
      taps: () => below(256) / 128 - 1,
    };
    Object.assign(fast.frame, head);
    Object.assign(slow.frame, head);
    for (const [name, next] of Object.entries(arrays)) {
      const key = name as keyof typeof arrays; // of `arrays` itself
      for (let k = 0; k < slow.frame[key].length; k++) slow.frame[key][k] = next();
      if (key === 'excitation') slow.frame[key].fill(Number.NaN, head.nSamples); // not read
      fast.frame[key].set(slow.frame[key]);
    }
    const other = syntheses[1 - c]!;
    const before = other.output.slice();
    fast.run();
    slow.run();
    const expected = Float32Array.from(slow.output.subarray(0, SILK_HISTORY));
    assert.equal(bits(fast.output.subarray(0, SILK_HISTORY)), bits(expected), `frame ${i}`);
    assert.equal(other.output, before, `frame ${i}: the other channel`);
    nLimited += expected.some((v) => Math.abs(v) === 1) ? 1 : 0;
    assert.not(expected.some(Number.isNaN), `frame ${i}`);
    if (i % 50 === 0) for (const synthesis of [fast, slow]) synthesis.reset();
  }
  assert.ok(nLimited > 20 && nLimited < 380, `${nLimited} frames with limited samples`);
});

test('WebAssembly reads the excitation that JavaScript reads, and leaves the range decoder where that does', () => {
  const syntheses = silkSyntheses();
  const plain = new PlainSynthesis();
  const ranges = [new OpusRange(), new OpusRange()] as const;
  const random = randomStream(12);
  const below = (n: number): number => Math.floor(n * random());
  let [nLoud, nPastTheEnd] = [0, 0];
  for (let i = 0; i < 1000; i++) {
    const c = i % 3 === 2 ? 1 : 0;
    const fast = syntheses[c];
    // Many bits and few. Ones at the start stand for the last symbols: many pulses with many low bits.
    const bytes = Uint8Array.from({ length: i % 7 === 0 ? below(9) : below(1276) }, () => below(256));
    if (i % 3 > 0) bytes.fill(255, 0, below(30));
    for (const range of ranges) range.start(bytes);
    // Three in one frame: the second and third go on where the one before has ended.
    for (let part = 0; part < 3; part++) {
      const nSamples = [80, 120, 160, 240, 320][below(5)]!;
      const [signal, hasOffset] = [below(3) as 0 | 1 | 2, below(2) as 0 | 1]; // they are below these
      for (const { frame } of [fast, plain]) frame.nSamples = nSamples;
      const before = syntheses[1 - c]!.frame.excitation.slice();
      fast.frame.excitation.fill(Number.NaN);
      fast.readExcitation(ranges[0], signal, hasOffset);
      plain.readExcitation(ranges[1], signal, hasOffset);
      const expected = plain.frame.excitation.subarray(0, nSamples);
      const name = `bytes ${i}, part ${part}`;
      assert.equal(bits(fast.frame.excitation.subarray(0, nSamples)), bits(expected), name);
      assert.equal(ranges[0].state, ranges[1].state, name);
      assert.equal(bits(syntheses[1 - c]!.frame.excitation), bits(before), `${name}: the other channel`);
      nLoud += expected.some((v) => Math.abs(v) > 0.01) ? 1 : 0;
      nPastTheEnd += ranges[0].state[2]! > bytes.length + 1 ? 1 : 0;
    }
  }
  assert.ok(nLoud > 200, `${nLoud} with low bits`);
  assert.ok(nPastTheEnd > 300, `${nPastTheEnd} past the end`);
});

test('without memory for one more stream JavaScript takes over', () => {
  const { Memory } = WebAssembly;
  const none = function none(): never {
    throw new RangeError('no room');
  };
  try {
    Reflect.set(WebAssembly, 'Memory', none);
    assert.instance(silkSyntheses()[0], PlainSynthesis);
  } finally {
    Reflect.set(WebAssembly, 'Memory', Memory);
  }
  assert.not(silkSyntheses()[0] instanceof PlainSynthesis);
});

test.run();
