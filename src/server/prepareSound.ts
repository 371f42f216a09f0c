/**
 * An upload to what is transcribed: mono samples at 16 kHz in 16 bits, which is what every decoder of sotto gives, as a WAV file.
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
  readonly signal: AbortSignal;
  readonly onWarning: (warning: Warning) => void;
}

const HEADER_BYTES = 44;

/**
 * @param source path of the upload
 * @param target path of the WAV file
 * @throws {ApiError} 400 `audio_too_long`; {AudioError}; the signal's reason
 */
export async function prepareSound(source: string, target: string, options: PrepareOptions): Promise<PreparedSound> {
  const { openSound, maxSeconds, signal, onWarning } = options;
  const sound = await openSound({ kind: 'address', address: source }, { signal, onWarning });
  const file = await open(target, 'wx', 0o600);
  let samples = 0;
  try {
    for await (const piece of sound.read({ signal, onWarning })) {
      await file.write(toInt16(piece), 0, 2 * piece.length, HEADER_BYTES + 2 * samples);
      samples += piece.length;
      if (samples > maxSeconds * SAMPLE_RATE) {
        throw new ApiError(400, `The recording is longer than the ${maxSeconds} s that this server takes.`, {
          param: 'file',
          code: 'audio_too_long',
        });
      }
    }
    await file.write(wavHeader(samples), 0, HEADER_BYTES, 0);
  } finally {
    await file.close();
    await sound.close?.();
  }
  return { path: target, seconds: samples / SAMPLE_RATE };
}

/** The values are those of 16-bit integers, over 32768. */
function toInt16(samples: Float32Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(2 * samples.length);
  for (let i = 0; i < samples.length; i++) bytes.writeInt16LE(Math.round(32768 * samples[i]!), 2 * i);
  return bytes;
}

function wavHeader(samples: number): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + 2 * samples, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // channels
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(2 * SAMPLE_RATE, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(2 * samples, 40);
  return header;
}
