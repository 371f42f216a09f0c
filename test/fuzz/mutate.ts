/**
 * Seeded damage to files: what a broken disk, a cut download or somebody who means harm would leave. The same seed and
 * number give the same bytes on every machine.
 */
import { concat } from '../../src/base/bytes.ts';
import { randomStream } from '../../src/base/random.ts';

type Bytes = Uint8Array<ArrayBuffer>;
/** A whole number from 0 up to, not including, `n`. */
type Pick = (n: number) => number;
type Mutator = (bytes: Bytes, pick: Pick) => Bytes;

/** Numbers at which fields of 8, 16, 32 and 64 bits overflow, change their sign or become huge. */
const EXTREMES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
/** Headers are here, and there is most to break in them. */
const HEADER_BYTES = 256;
/** Bytes of the longest file that is made by repeating a part. */
const LONGEST = 2_000_000;

/** A place in the file, in every second case one in its header. */
function place(bytes: Bytes, pick: Pick): number {
  return pick(pick(2) === 0 ? Math.min(bytes.length, HEADER_BYTES) : bytes.length);
}

function span(bytes: Bytes, pick: Pick): readonly [start: number, end: number] {
  const start = place(bytes, pick);
  return [start, Math.min(bytes.length, start + 1 + pick(2 ** (1 + pick(14))))];
}

const flipBits: Mutator = (bytes, pick) => {
  for (let n = 1 + pick(2 ** pick(8)); n > 0; n--) {
    const at = place(bytes, pick);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
  }
  return bytes;
};

const writeExtreme: Mutator = (bytes, pick) => {
  for (let n = 1 + pick(3); n > 0; n--) {
    const size = 2 ** pick(4);
    const value = EXTREMES[pick(EXTREMES.length)] ?? 0;
    const field = Uint8Array.from({ length: size }, (_, i) => (i < 4 ? value >>> (8 * i) : value === 0 ? 0 : 0xff));
    if (pick(2) === 0) field.reverse();
    const at = place(bytes, pick);
    bytes.set(field.subarray(0, bytes.length - at), at);
  }
  return bytes;
};

const truncate: Mutator = (bytes, pick) => bytes.slice(0, place(bytes, pick));

const remove: Mutator = (bytes, pick) => {
  const [start, end] = span(bytes, pick);
  return concat(Uint8Array, [bytes.subarray(0, start), bytes.subarray(end)]);
};

const repeat: Mutator = (bytes, pick) => {
  const [start, end] = span(bytes, pick);
  const part = bytes.subarray(start, end);
  const most = Math.floor((LONGEST - bytes.length) / part.length);
  const times = 1 + pick(Math.min(2 ** pick(18), Math.max(1, most)));
  const parts = Array.from({ length: times }, () => part);
  return concat(Uint8Array, [bytes.subarray(0, end), ...parts, bytes.subarray(end)]);
};

const insertNoise: Mutator = (bytes, pick) => {
  const at = place(bytes, pick);
  const noise = Uint8Array.from({ length: 1 + pick(2 ** pick(14)) }, () => pick(256));
  return concat(Uint8Array, [bytes.subarray(0, at), noise, bytes.subarray(at)]);
};

const overwriteNoise: Mutator = (bytes, pick) => {
  const [start, end] = span(bytes, pick);
  const kind = pick(3);
  for (let i = start; i < end; i++) bytes[i] = kind === 0 ? pick(256) : kind === 1 ? 0 : 0xff;
  return bytes;
};

const moveSpan: Mutator = (bytes, pick) => {
  const [start, end] = span(bytes, pick);
  const part = bytes.slice(start, end);
  const at = place(bytes, pick);
  bytes.set(part.subarray(0, bytes.length - at), at);
  return bytes;
};

const MUTATORS: readonly Mutator[] = [
  flipBits,
  flipBits,
  writeExtreme,
  writeExtreme,
  truncate,
  remove,
  repeat,
  insertNoise,
  overwriteNoise,
  moveSpan,
];

/** @param seed a number for each file to be made */
export function mutateBytes(original: Uint8Array, seed: number): Bytes {
  const random = randomStream(seed);
  const pick: Pick = (n) => Math.floor(random() * n);
  let bytes: Bytes = new Uint8Array(original);
  for (let n = 1 + pick(3); n > 0 && bytes.length > 0; n--) bytes = MUTATORS[pick(MUTATORS.length)]!(bytes, pick);
  return bytes;
}

/** Values of every type that JSON has, and what a program might take for a size. */
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  '',
  'x',
  '../../etc/passwd',
  -1,
  0,
  1,
  0.5,
  1e6,
  1e9,
  2 ** 31,
  2 ** 53,
  1e308,
  [],
  {},
  [[]],
  [null],
  { __proto__: null },
  '9'.repeat(1000),
];
/** Values deeper than this are replaced as a whole. */
const MAX_DEPTH = 4;

/** JSON with some of its values replaced, removed or doubled; in one case of four its text is damaged as bytes are. */
export function mutateJson(original: unknown, seed: number): Uint8Array {
  const random = randomStream(seed);
  const pick: Pick = (n) => Math.floor(random() * n);
  const changed = structuredClone(original);
  for (let n = 1 + pick(3); n > 0; n--) changeValue(changed, pick, 0);
  const bytes = new TextEncoder().encode(JSON.stringify(changed));
  return pick(4) === 0 ? mutateBytes(bytes, seed) : bytes;
}

function changeValue(value: unknown, pick: Pick, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  const entries = Object.entries(value);
  const entry = entries[pick(entries.length)];
  if (!entry) return;
  const [key, child] = entry;
  if (typeof child === 'object' && child !== null && depth < MAX_DEPTH && pick(3) > 0) {
    changeValue(child, pick, depth + 1);
    return;
  }
  if (pick(4) === 0) Reflect.deleteProperty(value, key);
  else if (pick(6) === 0) Reflect.set(value, `${key}x`, child);
  // A copy: it may be changed again, in place, and the list must stay what it is.
  else Reflect.set(value, key, structuredClone(ODD_VALUES[pick(ODD_VALUES.length)]));
}
