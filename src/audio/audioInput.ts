/**
 * What a recording may be given as, told apart by what it is and not by its class: an array of another realm (an iframe, a
 * vm context) is no `instanceof` of ours.
 */
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { shownName } from '../base/shownName.ts';
import { isTagged, type Tags, tagOf } from '../base/tags.ts';
import { int16Sound, type Planes, planesSound } from './planesSound.ts';
import { type Sound, samplesSound } from './sound.ts';

/**
 * A recording as a file: its bytes, or where they are. An array of bytes is a file, never samples; a string is a URL if it
 * begins with `http:` or `https:` (in browsers always), else a path. A stream gives bytes and can be given once.
 */
export type AudioFile =
  | string
  | URL
  | Blob
  | Response
  | ReadableStream
  | AsyncIterable<Uint8Array>
  | Uint8Array
  | DataView
  | ArrayBuffer
  | SharedArrayBuffer;

/** An AudioBuffer of the Web Audio API, as far as it is read. */
export interface AudioBufferLike {
  /** Hz. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  getChannelData(channel: number): Float32Array;
}

/** Characters that a path can have on any system (Windows). */
const MAX_PATH = 32_767;
/** As in WAV files. */
const MAX_CHANNELS = 64;

type Plane = Planes['channels'][number];

/**
 * Samples at any rate, which become what a WAV file of them would: floats are in [-1, 1], integers use their whole range.
 * Channels are in the order of WAV files.
 */
export type AudioPlanes =
  | { readonly samples: Plane; readonly sampleRate: number }
  | { readonly channels: readonly Plane[]; readonly sampleRate: number };

/**
 * A recording. Float32Array and Int16Array alone are mono samples at 16 kHz, in [-1, 1] and -32768..32767, and taken as
 * they are; samples at other rates, or of several channels, say so (`AudioPlanes`, or an AudioBuffer).
 */
export type AudioInput = Float32Array | Int16Array | AudioPlanes | AudioBufferLike | AudioFile;

/** A recording as a file, in one of four forms. */
export type FileInput =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: Blob; readonly name?: string }
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'stream'; readonly stream: AsyncIterable<Uint8Array> };

/** Opens a recording: what it is, is looked at when it is read. Implemented for each platform. */
export type OpenSound = (file: FileInput, options?: CallOptions) => Promise<Sound>;

/** @throws {AudioError} `input` for what is no recording: at once, and in few words */
export function audioInput(audio: AudioInput): FileInput | { readonly kind: 'sound'; readonly sound: Sound } {
  const given: unknown = audio;
  if (typeof given === 'string') {
    if (given === '') throw noRecording('an empty string', 'Give a path or a URL.');
    // The bytes of a file as base64, or what a file was read to as text.
    if (given.length > MAX_PATH && !/^[a-z][a-z\d+.-]*:/i.test(given))
      throw noRecording(`a string of ${given.length} characters`, "Make bytes of base64: Buffer.from(text, 'base64').");
    return { kind: 'address', address: given };
  }
  if (ArrayBuffer.isView(given)) checkAttached(given);
  if (isTagged(given, 'Float32Array')) return { kind: 'sound', sound: samplesSound(given) };
  if (isTagged(given, 'Int16Array')) return { kind: 'sound', sound: int16Sound(given) };
  if (isTagged(given, 'Uint8Array')) return { kind: 'bytes', bytes: unshared(given) };
  if (isTagged(given, 'DataView')) return { kind: 'bytes', bytes: unshared(bytesOf(given)) };
  if (isTagged(given, 'ArrayBuffer') || isTagged(given, 'SharedArrayBuffer'))
    return { kind: 'bytes', bytes: unshared(bytesOf(given)) };
  if (ArrayBuffer.isView(given)) {
    throw noRecording(nameOf(given), 'Make samples a Float32Array, and the bytes of a file a Uint8Array.');
  }
  if (typeof given === 'object' && given !== null) {
    const file = fileOf(given);
    if (file) return file;
    const sound = channelsSound(given);
    if (sound) return { kind: 'sound', sound };
  }
  throw noRecording(nameOf(given), hintFor(given));
}

/** A name for messages, where what was given has one. */
export function inputName(audio: AudioInput): string | undefined {
  const given: unknown = audio;
  if (typeof given === 'string') return shownName(given);
  if (isTagged(given, 'URL')) return shownName(given.href);
  return isTagged(given, 'File') && hasText(given, 'name') ? given.name : undefined;
}

function fileOf(given: object): FileInput | undefined {
  if (isTagged(given, 'URL') && hasText(given, 'href')) return { kind: 'address', address: given.href };
  if (isTagged(given, 'Blob') || isTagged(given, 'File')) {
    return { kind: 'blob', blob: given, ...(hasText(given, 'name') && given.name !== '' && { name: given.name }) };
  }
  if (isTagged(given, 'Response')) return { kind: 'response', response: given };
  if (isReadableStream(given)) return { kind: 'stream', stream: bytesOfReader(given) };
  if (isAsyncIterable(given)) return { kind: 'stream', stream: checkedBytes(given) };
  return undefined;
}

function hasText<Key extends string>(given: object, key: Key): given is object & Readonly<Record<Key, string>> {
  return key in given && typeof (given as Readonly<Record<Key, unknown>>)[key] === 'string'; // `in` says it is there
}

function isReadableStream(given: object): given is ReadableStream {
  return 'getReader' in given && typeof given.getReader === 'function';
}

function isAsyncIterable(given: object): given is AsyncIterable<unknown> {
  return Symbol.asyncIterator in given && typeof given[Symbol.asyncIterator] === 'function';
}

/** Memory that others can write to is copied: decoders in WebAssembly, and TextDecoder, refuse it. */
function unshared(bytes: Uint8Array): Uint8Array {
  return isTagged(bytes.buffer, 'SharedArrayBuffer') ? bytes.slice() : bytes;
}

function bytesOf(given: ArrayBuffer | SharedArrayBuffer | DataView): Uint8Array {
  if (isTagged(given, 'DataView')) return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  checkAttached({ buffer: given });
  return new Uint8Array(given);
}

/** An array whose buffer went to another thread says that it is empty. */
function checkAttached({ buffer }: Pick<ArrayBufferView, 'buffer'>): void {
  try {
    void new Uint8Array(buffer);
  } catch (cause) {
    throw noRecording('an array whose ArrayBuffer is detached', 'It was transferred: give a copy.', cause);
  }
}

async function* bytesOfReader(stream: ReadableStream): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = readerOf(stream);
  let isEnded = false;
  try {
    for (;;) {
      const part = await reader.read();
      isEnded = part.done;
      if (part.done) return;
      yield byteChunk(part.value);
    }
  } finally {
    // Only tells the source to stop: a failure does not matter.
    if (!isEnded) void reader.cancel().catch(() => {});
  }
}

/** Its type is the runtime's own: the DOM has several readers, and this is the plain one. */
function readerOf(stream: ReadableStream) {
  try {
    return stream.getReader();
  } catch (cause) {
    throw noRecording('a stream that somebody else reads', 'A stream can be read once.', cause);
  }
}

async function* checkedBytes(pieces: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) yield byteChunk(piece);
}

function byteChunk(piece: unknown): Uint8Array {
  if (isTagged(piece, 'Uint8Array')) return unshared(piece);
  if (isTagged(piece, 'ArrayBuffer')) return new Uint8Array(piece);
  throw noRecording(`a stream that gives ${nameOf(piece)}`, 'A stream gives the bytes of a file, as Uint8Array.');
}

function channelsSound(given: object): Sound | undefined {
  if (!('sampleRate' in given)) return undefined;
  const { sampleRate } = given;
  const channels = channelsOf(given);
  if (!channels) return undefined;
  if (typeof sampleRate !== 'number' || !(sampleRate > 0))
    throw noRecording(`samples with a sampleRate of ${String(sampleRate)}`, 'It is in Hz, such as 48000.');
  const planes = planesOf(channels);
  if (!planes) {
    const found = channels.length === 0 ? 'no channel' : channels.slice(0, 4).map(nameOf).join(', ');
    throw noRecording(`samples in ${found}`, 'Give one Float32Array (or Int16Array) a channel.');
  }
  for (const channel of planes.channels) checkAttached(channel);
  const lengths = planes.channels.map(({ length }) => length);
  if (lengths.some((length) => length !== lengths[0]))
    throw noRecording(`channels of ${lengths.slice(0, 4).join(', ')} samples`, 'Give channels of the same length.');
  // A clock that is measured has a fraction, which nobody hears.
  return planesSound(planes, Math.round(sampleRate));
}

function channelsOf(given: object): readonly unknown[] | undefined {
  if ('getChannelData' in given && typeof given.getChannelData === 'function') {
    const buffer = given as AudioBufferLike; // an object with a sample rate and a method of this name
    const { numberOfChannels } = buffer;
    if (!(numberOfChannels >= 0 && numberOfChannels <= MAX_CHANNELS))
      throw noRecording(
        `samples with a numberOfChannels of ${numberOfChannels}`,
        `Give 1 to ${MAX_CHANNELS} channels.`,
      );
    return Array.from({ length: numberOfChannels }, (_, channel) => buffer.getChannelData(channel));
  }
  if ('samples' in given) return [given.samples];
  return 'channels' in given && Array.isArray(given.channels) ? given.channels : undefined;
}

function planesOf(channels: readonly unknown[]): Planes | undefined {
  if (channels.length === 0) return undefined;
  if (areTagged(channels, 'Float32Array')) return { sampleFormat: 'f32', channels };
  if (areTagged(channels, 'Int16Array')) return { sampleFormat: 's16', channels };
  if (areTagged(channels, 'Int32Array')) return { sampleFormat: 's32', channels };
  if (areTagged(channels, 'Float64Array')) return { sampleFormat: 'f64', channels };
  return undefined;
}

function areTagged<Tag extends keyof Tags>(given: readonly unknown[], tag: Tag): given is readonly Tags[Tag][] {
  return given.every((one) => isTagged(one, tag));
}

/** What was given, in a word or two, for messages. */
export function nameOf(given: unknown): string {
  if (given === null || given === undefined) return String(given);
  if (Array.isArray(given)) return 'an array';
  if (typeof given !== 'object') return `a ${typeof given}`;
  const tag = tagOf(given);
  return tag === 'Object' ? 'an object' : `${/^[AEIO]/.test(tag) ? 'an' : 'a'} ${tag}`;
}

function hintFor(given: unknown): string {
  if (isThenable(given)) return 'Await it first.';
  if (Array.isArray(given)) return 'Samples are a Float32Array; several recordings go to transcribeAll.';
  return 'Give a path, a URL, a Blob, a Response, the bytes of a file, or samples (Float32Array; { samples, sampleRate }).';
}

function isThenable(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'then' in given && typeof given.then === 'function';
}

function noRecording(what: string, hint: string, cause?: unknown): AudioError {
  return new AudioError('input', `What was given is no recording: ${what}.`, { hint, cause });
}
