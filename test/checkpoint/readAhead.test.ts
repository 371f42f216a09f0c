import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../src/base/random.ts';
import { readAhead } from '../../src/checkpoint/readAhead.ts';
import type { WeightSource } from '../../src/checkpoint/source.ts';
import { tensorSpecs } from '../../src/model/tensorSpec.ts';
import { reasonOf } from '../support/throws.ts';

const test = suite('readAhead');

const MB = 2 ** 20;
const TINY = {
  nMels: 80,
  nAudioCtx: 1500,
  nAudioState: 384,
  nAudioHead: 6,
  nAudioLayer: 4,
  nVocab: 51865,
  nTextCtx: 448,
  nTextState: 384,
  nTextHead: 6,
  nTextLayer: 4,
};

/** Byte i of the file. */
const byteAt = (i: number): number => (i ^ (i >>> 8) ^ (i >>> 16)) & 0xff;

interface Watched extends WeightSource {
  readonly asked: { readonly begin: number; readonly end: number }[];
  /** At most, of requests and of bytes that were asked for and not yet given on. */
  mostInFlight: number;
}

function watched(size: number, failAt = Number.POSITIVE_INFINITY): Watched {
  let inFlight = 0;
  const source: Watched = {
    name: 'watched',
    size,
    isRemote: true,
    asked: [],
    mostInFlight: 0,
    async read(begin, end, signal) {
      source.asked.push({ begin, end });
      source.mostInFlight = Math.max(source.mostInFlight, ++inFlight);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inFlight--;
      signal?.throwIfAborted();
      if (begin <= failAt && failAt < end) throw new RangeError('broken');
      const bytes = new Uint8Array(end - begin);
      for (let i = 0; i < bytes.length; i++) bytes[i] = byteAt(begin + i);
      return bytes;
    },
  };
  return source;
}

/** Tensors of these sizes as they lie in the file, given in another order: as pairs of neighbours swapped. */
function layout(sizes: readonly number[]): { readonly begin: number; readonly end: number }[] {
  let at = 1000; // a header
  const ranges = sizes.map((size) => {
    const range = { begin: at, end: at + size };
    at = range.end;
    return range;
  });
  return ranges.map((_, i) => ranges[i ^ 1] ?? ranges[i]!);
}

test('many small tensors come in few requests, several at once, each byte once', async () => {
  const random = randomStream(5);
  const ranges = layout(Array.from({ length: 400 }, () => Math.floor(random() * 0.2 * MB)));
  const source = watched(100 * MB);
  const ahead = readAhead(source, ranges, undefined);
  assert.is(source.asked.length, 0, 'nothing is fetched before it is needed');
  for (const { begin, end } of ranges) {
    const bytes = await ahead.read(begin, end);
    assert.is(bytes.length, end - begin);
    for (let i = 0; i < bytes.length; i += 997) assert.is(bytes[i], byteAt(begin + i));
  }
  const total = ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
  assert.is(
    source.asked.reduce((sum, { begin, end }) => sum + end - begin, 0),
    total,
  );
  assert.ok(source.asked.length < 3 * (total / (24 * MB)) + 3, `${source.asked.length} requests`);
  assert.is(source.mostInFlight, 3);
});

test('a source that streams: what has come can be read, in any order, before the rest is there', async () => {
  const random = randomStream(3);
  const ranges = layout(Array.from({ length: 60 }, () => Math.floor(random() * MB)));
  const source = watched(60 * MB);
  let held = true;
  const gate: (() => void)[] = [];
  const stream = async function* (begin: number, end: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    source.asked.push({ begin, end });
    for (let at = begin; at < end; ) {
      if (held && at > begin + 4 * MB) await new Promise<void>((resolve) => gate.push(resolve));
      const to = Math.min(end, at + 1 + Math.floor(random() * 70_000));
      yield Uint8Array.from({ length: to - at }, (_, i) => byteAt(at + i));
      at = to;
    }
  };
  const ahead = readAhead({ ...source, stream }, ranges, undefined);
  const check = async ({ begin, end }: { begin: number; end: number }): Promise<void> => {
    const target = new Uint8Array(end - begin);
    await ahead.readInto!(begin, target);
    for (let i = 0; i < target.length; i += 499) assert.is(target[i], byteAt(begin + i));
  };
  await check(ranges[0]!);
  // The request has not ended: it stands at the gate.
  while (gate.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  held = false;
  for (const open of gate) open();
  for (const range of ranges.slice(1).toReversed()) await check(range);
  const total = ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
  assert.is(
    source.asked.reduce((sum, { begin, end }) => sum + end - begin, 0),
    total,
  );
  await ahead.close?.();
});

test('tiny comes in a dozen requests', async () => {
  // As converted: in the order of use, 167 tensors, one of 80 MB.
  const ranges: { begin: number; end: number }[] = [];
  let at = 19_136;
  for (const [, { shape }] of tensorSpecs(TINY)) {
    const end = at + 4 * shape.reduce((product, n) => product * n, 1);
    ranges.push({ begin: at, end });
    at = end;
  }
  const source = watched(at);
  source.read = async (begin, end) => {
    source.asked.push({ begin, end });
    return new Uint8Array(end - begin);
  };
  const ahead = readAhead(source, ranges, undefined);
  for (const { begin, end } of ranges) await ahead.read(begin, end);
  assert.ok(ranges.length > 160 && source.asked.length <= 12, `${source.asked.length} requests`);
});

test('memory is bounded while a reader is slow, and one large tensor is taken in pieces', async () => {
  const ranges = layout([1000, 100 * MB, 40 * MB, 40 * MB]);
  const source = watched(200 * MB);
  const ahead = readAhead(source, ranges, undefined);
  // ranges[0] is the large one, ranges[1] the small one before it.
  const large = await ahead.read(ranges[0]!.begin, ranges[0]!.end);
  assert.is(large[99 * MB], byteAt(ranges[0]!.begin + 99 * MB));
  assert.ok(source.asked.every(({ begin, end }) => end - begin <= 24 * MB));
  await new Promise((resolve) => setTimeout(resolve, 200)); // much more could have come by now
  const bytes = source.asked.reduce((sum, { begin, end }) => sum + end - begin, 0);
  assert.ok(bytes <= 172 * MB, `${bytes / MB} MB were asked for`);
  await ahead.close?.();
});

test('ranges out of turn, twice, in part, or of no plan are read too', async () => {
  const ranges = layout(Array.from({ length: 40 }, () => 3 * MB));
  const source = watched(200 * MB);
  const ahead = readAhead(source, ranges, undefined);
  const check = async (begin: number, end: number): Promise<void> => {
    const bytes = await ahead.read(begin, end);
    assert.is(bytes.length, end - begin);
    for (let i = 0; i < bytes.length; i += 4999) assert.is(bytes[i], byteAt(begin + i));
  };
  await check(0, 1500);
  for (const { begin, end } of ranges.toReversed()) await check(begin, end);
  for (const { begin, end } of ranges) {
    await check(begin, begin + 10);
    await check(begin + 10, end);
  }
  await check(150 * MB, 151 * MB);
  await check(5, 5);
});

test('an error reaches who reads the tensor; an abort, and closing, end what is in flight', async () => {
  const ranges = layout(Array.from({ length: 20 }, () => 8 * MB));
  const broken = readAhead(watched(200 * MB, ranges[4]!.begin), ranges, undefined);
  for (const { begin, end } of ranges.slice(0, 4)) await broken.read(begin, end);
  assert.instance(await reasonOf(() => broken.read(ranges[4]!.begin, ranges[4]!.end)), RangeError);
  const controller = new AbortController();
  const source = watched(200 * MB);
  const ahead = readAhead(source, ranges, controller.signal);
  const reading = reasonOf(ahead.read(ranges[0]!.begin, ranges[0]!.end, controller.signal));
  controller.abort(new SyntaxError('enough'));
  assert.is(await reading, controller.signal.reason);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(source.asked.length <= 4, 'no request after the abort');
  await ahead.close?.();
});

test.run();
