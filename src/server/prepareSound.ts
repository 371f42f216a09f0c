/**
 * An upload to what is transcribed: samples at 16 kHz in 16 bits, which is what every decoder of sotto gives, as a WAV file; mono,
 * or with its channels apart where they are speakers.
 * So a recording that is damaged or too long is refused before it waits, the queue counts seconds of sound, and a small file
 * that unpacks to days of silence is given up at the limit.
 */
import { open } from 'node:fs/promises';
import type { OpenSound } from '../audio/audioInput.ts';
import { SAMPLE_RATE } from '../audio/constants.ts';
import type { Warning } from '../base/progress.ts';
import { ApiError } from './errors.ts';

export interface PreparedSound {
  readonly path: string;
  /** Of the whole. */
  readonly seconds: number;
}

export interface PrepareOptions {
  readonly openSound: OpenSound;
  readonly maxSeconds: number;
  /** The channels are speakers, and stay apart. */
  readonly keepsChannels?: boolean;
  readonly signal: AbortSignal;
  readonly onWarning: (warning: Warning) => void;
}

const HEADER_BYTES = 44;

/**
 * @param source path of the upload
 * @param target path of the WAV file
 * @throws {ApiError} 400 `audio_too_long`, `channels` where there is one and they are to be kept; {AudioError}; the signal's reason
 */
export async function prepareSound(source: string, target: string, options: PrepareOptions): Promise<PreparedSound> {
  const { openSound, maxSeconds, keepsChannels = false, signal, onWarning } = options;
  const sound = await openSound({ kind: 'address', address: source }, { signal, onWarning });
  const file = await open(target, 'wx', 0o600);
  let samples = 0;
  try {
    const channels = (keepsChannels && (await sound.channels?.({ signal }))) || [sound];
    const nChannels = channels.length;
    if (keepsChannels && nChannels < 2) {
      throw new ApiError(400, 'The recording has one channel, so its channels do not tell speakers apart.', {
        param: 'channels',
        code: 'channels',
      });
    }
    // What is damaged is told once.
    const pieces = channels.map((channel, c) => channel.read(c === 0 ? { signal, onWarning } : { signal }));
    for await (const piece of interleaved(pieces)) {
      await file.write(toInt16(piece), 0, 2 * piece.length, HEADER_BYTES + 2 * nChannels * samples);
      samples += piece.length / nChannels;
      if (samples > maxSeconds * SAMPLE_RATE) {
        throw new ApiError(400, `The recording is longer than the ${maxSeconds} s that this server takes.`, {
          param: 'file',
          code: 'audio_too_long',
        });
      }
    }
    await file.write(wavHeader(samples, nChannels), 0, HEADER_BYTES, 0);
  } finally {
    await file.close();
    await sound.close?.();
  }
  return { path: target, seconds: samples / SAMPLE_RATE };
}

/** One sample of each channel in turn, as long as all have one. */
async function* interleaved(channels: readonly AsyncIterable<Float32Array>[]): AsyncGenerator<Float32Array> {
  const [only] = channels;
  if (only && channels.length === 1) return yield* only;
  const n = channels.length;
  const readers = channels.map((channel) => ({ pieces: channel[Symbol.asyncIterator](), rest: new Float32Array(0) }));
  try {
    for (;;) {
      for (const reader of readers) {
        while (reader.rest.length === 0) {
          const { done, value } = await reader.pieces.next();
          if (done) return;
          reader.rest = value.slice();
        }
      }
      const length = Math.min(...readers.map(({ rest }) => rest.length));
      const piece = new Float32Array(n * length);
      for (const [c, reader] of readers.entries()) {
        for (let i = 0; i < length; i++) piece[n * i + c] = reader.rest[i]!;
        reader.rest = reader.rest.subarray(length);
      }
      yield piece;
    }
  } finally {
    for (const { pieces } of readers) await pieces.return?.();
  }
}

/** The values are those of 16-bit integers, over 32768. */
function toInt16(samples: Float32Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(2 * samples.length);
  for (let i = 0; i < samples.length; i++) bytes.writeInt16LE(Math.round(32768 * samples[i]!), 2 * i);
  return bytes;
}

function wavHeader(samples: number, nChannels: number): Uint8Array {
  const frameBytes = 2 * nChannels;
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + frameBytes * samples, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(nChannels, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(frameBytes * SAMPLE_RATE, 28);
  header.writeUInt16LE(frameBytes, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(frameBytes * samples, 40);
  return header;
}
