/**
 * Decodes what our own decoders do not support (m4a, mp4, webm, aiff, ...) by the `ffmpeg` on the PATH, with the arguments
 * of openai/whisper's `load_audio`. ffmpeg must be able to seek (the index of an MP4 is often at its end), so bytes that
 * are not in a file are written to a temporary one.
 *
 * @see openai/whisper, whisper/audio.py, load_audio
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SAMPLE_RATE } from '../audio/constants.ts';
import { concat } from '../base/bytes.ts';
import { AudioError } from '../base/errors.ts';

/** Only files, so that a playlist cannot make ffmpeg fetch anything. */
const INPUT_OPTIONS = ['-nostdin', '-v', 'error', '-protocol_whitelist', 'file', '-threads', '0'];
const OUTPUT_OPTIONS = ['-f', 's16le', '-ac', '1', '-acodec', 'pcm_s16le', '-ar', `${SAMPLE_RATE}`, '-'];
/** Characters of ffmpeg's messages that are kept. */
const MAX_ERROR_LENGTH = 2000;

/**
 * @param input a path, or the bytes of a recording
 * @returns mono, 16 kHz, 16 bits; shape [nSamples]
 * @throws {AudioError} `unsupported` if there is no ffmpeg, `undecodable` with ffmpeg's own message if it fails;
 *   the signal's reason
 */
export async function transcodeWithFfmpeg(
  input: string | Uint8Array,
  signal?: AbortSignal | undefined,
): Promise<Int16Array<ArrayBuffer>> {
  signal?.throwIfAborted();
  if (typeof input === 'string') return runFfmpeg(input, signal);
  const folder = await mkdtemp(join(tmpdir(), 'sotto-'));
  try {
    const file = join(folder, 'recording');
    await writeFile(file, input, { mode: 0o600 });
    return await runFfmpeg(file, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runFfmpeg(path: string, signal: AbortSignal | undefined): Promise<Int16Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    // With "file:" a name like "concat:a|b" is not mistaken for a protocol.
    const child = spawn('ffmpeg', [...INPUT_OPTIONS, '-i', `file:${path}`, ...OUTPUT_OPTIONS], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const abort = (): void => {
      child.kill('SIGKILL');
    };
    signal?.addEventListener('abort', abort);
    const pieces: Uint8Array[] = [];
    let errors = '';
    child.stdout.on('data', (piece: Uint8Array) => void pieces.push(piece));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-MAX_ERROR_LENGTH);
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      signal?.removeEventListener('abort', abort);
      reject(
        cause.code === 'ENOENT' ? noFfmpeg(path) : new AudioError('undecodable', `ffmpeg: ${cause.message}`, { cause }),
      );
    });
    child.on('close', (code) => {
      signal?.removeEventListener('abort', abort);
      if (signal?.aborted) reject(signal.reason);
      else if (code === 0) resolve(toInt16(concat(Uint8Array, pieces)));
      else reject(new AudioError('undecodable', `ffmpeg cannot decode ${path}: ${errors.trim().split('\n').at(-1)}`));
    });
  });
}

function noFfmpeg(path: string): AudioError {
  return new AudioError('unsupported', `${path} is not WAV, FLAC, MP3, Ogg Opus or Ogg Vorbis.`, {
    hint: 'Install ffmpeg and put it on the PATH: it decodes everything else. Or convert the file to WAV.',
  });
}

function toInt16(bytes: Uint8Array<ArrayBuffer>): Int16Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer);
  return Int16Array.from({ length: bytes.length >> 1 }, (_, i) => view.getInt16(2 * i, true));
}
