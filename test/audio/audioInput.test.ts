/** Everything that people give as a recording, of this realm and of others; and what is none. */
import vm from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AudioInput, audioInput } from '../../src/audio/audioInput.ts';
import { decodeWhole } from '../../src/audio/decode.ts';
import { readWhole } from '../../src/audio/sound.ts';
import { AudioError } from '../../src/base/errors.ts';
import { throws } from '../support/throws.ts';
import { integerBytes, noise, wavFile } from './sounds.ts';

const test = suite('audioInput');

/** Evaluated where all classes are others than here. */
const elsewhere = (code: string, given: object = {}): unknown => vm.runInNewContext(code, given);
/** What `audioInput` is given in JavaScript may be anything. */
const anything = (given: unknown): AudioInput => given as AudioInput;

async function samplesOf(given: unknown): Promise<Float32Array> {
  const input = audioInput(anything(given));
  assert.is(input.kind, 'sound');
  if (input.kind !== 'sound') throw new Error(input.kind);
  assert.equal(await readWhole(input.sound), await readWhole(input.sound), 'it can be read again');
  return readWhole(input.sound);
}

test('mono samples at 16 kHz are taken as they are', async () => {
  const samples = noise(1_000_001, 1);
  assert.equal(await samplesOf(samples), samples);
  const values = Int16Array.of(-32768, -1, 0, 1, 32767);
  assert.equal(await samplesOf(values), Float32Array.of(-1, -1 / 32768, 0, 1 / 32768, 32767 / 32768));
  assert.equal([...(await samplesOf(elsewhere('Float32Array.of(0.25, -1)')))], [0.25, -1]);
  assert.equal([...(await samplesOf(elsewhere('Int16Array.of(16384)')))], [0.5]);
  assert.is((await samplesOf(new Float32Array(0))).length, 0);
  assert.is((await samplesOf(new Float32Array(new SharedArrayBuffer(64)))).length, 16);
});

test('samples at other rates and of several channels are what a WAV file of them is', async () => {
  for (const sampleRate of [8000, 16000, 44100, 48000])
    for (const nChannels of [1, 2, 6]) {
      const planes = Array.from({ length: nChannels }, (_, channel) =>
        noise(Math.round(0.3 * sampleRate) + 17, channel + 1),
      );
      const interleaved = Float32Array.from(
        { length: nChannels * planes[0]!.length },
        (_, i) => planes[i % nChannels]![Math.floor(i / nChannels)]!,
      );
      const asInt16 = planes.map((plane) => Int16Array.from(plane, (value) => 32767 * value));
      const wanted = await decodeWhole(
        wavFile({ tag: 3, bits: 32, sampleRate, nChannels, data: new Uint8Array(interleaved.buffer) }),
      );
      const wanted16 = await decodeWhole(
        wavFile({
          tag: 1,
          bits: 16,
          sampleRate,
          nChannels,
          data: integerBytes(
            Int16Array.from(interleaved, (value) => 32767 * value),
            16,
          ),
        }),
      );
      const buffer = { sampleRate, numberOfChannels: nChannels, getChannelData: (channel: number) => planes[channel]! };
      const what = `${sampleRate} Hz, ${nChannels} channels`;
      assert.equal(await samplesOf({ channels: planes, sampleRate }), wanted, what);
      assert.equal(await samplesOf(buffer), wanted, `${what}, AudioBuffer`);
      assert.equal(await samplesOf({ channels: asInt16, sampleRate }), wanted16, `${what}, 16 bits`);
      if (nChannels === 1) assert.equal(await samplesOf({ samples: planes[0], sampleRate }), wanted, what);
      const foreign = elsewhere('({ channels: planes.map((plane) => Float32Array.from(plane)), sampleRate })', {
        planes,
        sampleRate,
      });
      assert.equal(await samplesOf(foreign), wanted, `${what}, another realm`);
    }
});

test('the bytes of a file, in whatever holds them', () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  const shared = new SharedArrayBuffer(100);
  new Uint8Array(shared).set(bytes);
  const within = new Uint8Array(200);
  within.set(bytes, 50);
  for (const given of [
    bytes,
    bytes.buffer,
    shared,
    new Uint8Array(shared),
    Buffer.from(bytes),
    new DataView(within.buffer, 50, 100),
    within.subarray(50, 150),
    elsewhere('Uint8Array.from({ length: 100 }, (_, i) => i)'),
    elsewhere('Uint8Array.from({ length: 100 }, (_, i) => i).buffer'),
    elsewhere('new DataView(Uint8Array.from({ length: 100 }, (_, i) => i).buffer)'),
  ]) {
    const input = audioInput(anything(given));
    assert.is(input.kind, 'bytes');
    if (input.kind !== 'bytes') continue;
    assert.equal([...input.bytes], [...bytes]);
    assert.not(input.bytes.buffer instanceof SharedArrayBuffer);
  }
});

test('addresses, Blobs, responses and streams', async () => {
  const kinds: [unknown, string][] = [
    ['talk.mp3', 'address'],
    [new URL('https://example.org/a.mp3'), 'address'],
    [new Blob(['x']), 'blob'],
    [new File(['x'], 'a.wav'), 'blob'],
    [new Response('x'), 'response'],
    [new Blob(['x']).stream(), 'stream'],
    [(async function* () {})(), 'stream'],
  ];
  for (const [given, kind] of kinds) assert.is(audioInput(anything(given)).kind, kind);
  const file = audioInput(new File(['x'], 'a.wav'));
  assert.is(file.kind === 'blob' && file.name, 'a.wav');
  const collect = async (given: unknown): Promise<string> => {
    const input = audioInput(anything(given));
    if (input.kind !== 'stream') throw new Error(input.kind);
    let text = '';
    for await (const piece of input.stream) text += Buffer.from(piece).toString();
    return text;
  };
  assert.is(await collect(new Blob(['ab', 'c']).stream()), 'abc');
  async function* chunks(...list: unknown[]) {
    yield* list;
  }
  assert.is(await collect(chunks(Buffer.from('a'), new TextEncoder().encode('b').buffer)), 'ab');
  // Browsers whose streams are no async iterables.
  const { getReader } = ReadableStream.prototype;
  const stream = new Blob(['abc']).stream();
  assert.is(await collect({ getReader: () => getReader.call(stream) }), 'abc');
  for (const [chunk, words] of [
    ['text', 'a stream that gives a string'],
    [Float32Array.of(1), 'a stream that gives a Float32Array'],
    [null, 'a stream that gives null'],
  ] as const)
    await throws(AudioError, 'input', collect(chunks(chunk)), words);
  const locked = new Blob(['abc']).stream();
  locked.getReader();
  await throws(AudioError, 'input', collect(locked), 'somebody else reads');
});

test('leaving a stream ends its source', async () => {
  let isCancelled = false;
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel() {
      isCancelled = true;
    },
  });
  const input = audioInput(stream);
  if (input.kind !== 'stream') throw new Error(input.kind);
  for await (const _ of input.stream) break;
  await new Promise(setImmediate);
  assert.ok(isCancelled);
});

test('what is no recording is told at once, in few words, with what to do', async () => {
  const detached = new ArrayBuffer(8);
  const detachedView = new DataView(detached);
  const detachedBytes = new Uint8Array(detached);
  const detachedSamples = new Float32Array(detached);
  structuredClone(detached, { transfer: [detached] });
  const hours = 1_000_000;
  const cases: [unknown, string][] = [
    [null, 'null'],
    [undefined, 'undefined'],
    [5, 'a number'],
    [true, 'a boolean'],
    ['', 'an empty string'],
    [() => {}, 'a function'],
    [Symbol('x'), 'a symbol'],
    [{}, 'an object'],
    [new Map(), 'a Map'],
    [[new Float32Array(3)], 'an array'],
    [new Array(hours).fill(0.5), 'an array'],
    [Promise.resolve('a.wav'), 'a Promise. Await it first'],
    [new Float64Array(hours), 'a Float64Array'],
    [new Uint8ClampedArray(4), 'a Uint8ClampedArray'],
    [new Int32Array(4), 'an Int32Array'],
    [detached, 'an array whose ArrayBuffer is detached'],
    [detachedView, 'an array whose ArrayBuffer is detached'],
    [detachedBytes, 'an array whose ArrayBuffer is detached'],
    [detachedSamples, 'an array whose ArrayBuffer is detached'],
    [{ samples: detachedSamples, sampleRate: 16000 }, 'an array whose ArrayBuffer is detached'],
    ['UklGR'.repeat(hours), 'a string of 5000000 characters'],
    [
      { numberOfChannels: 1e9, sampleRate: 16000, getChannelData: () => new Float32Array(3) },
      'numberOfChannels of 1000000000',
    ],
    [
      { numberOfChannels: Number.NaN, sampleRate: 16000, getChannelData: () => new Float32Array(3) },
      'numberOfChannels of NaN',
    ],
    [{ samples: new Float32Array(3) }, 'an object'],
    [{ samples: [1, 2], sampleRate: 16000 }, 'samples in an array'],
    [{ samples: new Float32Array(3), sampleRate: 0 }, 'a sampleRate of 0'],
    [{ samples: new Float32Array(3), sampleRate: '16000' }, 'a sampleRate of 16000'],
    [{ samples: new Float32Array(3), sampleRate: Number.NaN }, 'a sampleRate of NaN'],
    [{ channels: [], sampleRate: 16000 }, 'no channel'],
    [{ channels: [new Float32Array(3), new Int16Array(3)], sampleRate: 16000 }, 'a Float32Array, an Int16Array'],
    [{ channels: [new Float32Array(3), new Float32Array(4)], sampleRate: 16000 }, 'channels of 3, 4 samples'],
    [{ channels: new Array(hours).fill(new Uint8Array(1)), sampleRate: 16000 }, 'samples in a Uint8Array'],
  ];
  for (const [given, words] of cases) {
    const error = await throws(AudioError, 'input', () => audioInput(anything(given)), words);
    assert.ok(error.message.length < 150 && error.hint !== undefined, error.message);
    assert.not.match(error.message, 'object Object');
  }
});

test('rates that cannot be, and samples that are none, are refused when they are read', async () => {
  // Rates with a fraction, as clocks are measured, are taken.
  const samples = noise(4801, 1);
  assert.equal(await samplesOf({ samples, sampleRate: 48000.4 }), await samplesOf({ samples, sampleRate: 48000 }));
  const low = audioInput({ samples: new Float32Array(3), sampleRate: 10 });
  if (low.kind !== 'sound') throw new Error(low.kind);
  await throws(AudioError, 'sampleRate', readWhole(low.sound));
});

test.run();
