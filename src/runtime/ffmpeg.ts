/**
 * Decodes what our own decoders do not support (m4a, mp4, webm, aiff, ...) by the `ffmpeg` on the PATH, with the arguments
 * of openai/whisper's `load_audio`. Its samples are taken from a pipe as they come, and it waits while they are not: an hour
 * costs no more memory than a minute.
 *
 * @see openai/whisper, whisper/audio.py, load_audio
 */

import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { ByteReader } from '../audio/byteReader.ts';
import { SAMPLE_RATE } from '../audio/constants.ts';
import { readWav } from '../audio/containers/wav.ts';
import type { PcmPiece } from '../audio/pcm.ts';
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { onAbort } from '../base/signals.ts';
import { systemReason } from '../base/systemErrors.ts';
import { FFMPEG_FORMATS, refusedFormat } from './ffmpegFormats.ts';

/** Says all, each line with its level, since the length of the recording is in a line of level `info`. */
const LOG_OPTIONS = ['-nostdin', '-hide_banner', '-nostats', '-v', 'level+info'];
const SAMPLES = ['-acodec', 'pcm_s16le', '-ar', `${SAMPLE_RATE}`, 'pipe:1'];
const MONO = ['-f', 's16le', '-ac', '1', ...SAMPLES];
/** All channels, whose number the header says. */
const APART = ['-f', 'wav', ...SAMPLES];
/** Lines of ffmpeg's complaints that are kept. */
const MAX_COMPLAINTS = 4;
const MAX_LINE_LENGTH = 300;

type Samples = Float32Array<ArrayBuffer>;

export interface FfmpegInput {
  /** A path: ffmpeg can then seek, as it must where the index of an MP4 is at its end. Or bytes as they come. */
  readonly from: string | AsyncIterable<Uint8Array>;
  /** For messages. */
  readonly name: string;
  /** Called when ffmpeg knows the format, whether it can then decode the recording or not. */
  readonly onRecognized?: (() => void) | undefined;
}

/**
 * Starts ffmpeg when it is asked for the first samples, and ends it when they are not wanted any more.
 *
 * @yields mono, 16 kHz, n / 32768
 * @throws {AudioError} `unsupported` if there is no ffmpeg, `undecodable` with ffmpeg's own words if it fails; the signal's
 *   reason
 */
export async function* decodeWithFfmpeg(
  input: FfmpegInput,
  options: CallOptions = {},
): AsyncGenerator<Samples, void, undefined> {
  const { signal, onProgress } = options;
  let nSamples = 0;
  let duration: number | undefined;
  const onDuration = (seconds: number): void => {
    duration = seconds;
  };
  for await (const samples of readSamples(ffmpegOutput(input, MONO, options, onDuration))) {
    signal?.throwIfAborted();
    nSamples += samples.length;
    if (duration !== undefined) {
      const done = nSamples / SAMPLE_RATE;
      onProgress?.({ stage: 'audio', done, total: duration, unit: 'seconds', item: input.name });
    }
    yield samples;
  }
}

/**
 * The same with all channels apart, each as `decodeWithFfmpeg` would give it if it were alone.
 *
 * @throws {AudioError} as `decodeWithFfmpeg`
 */
export async function* ffmpegPieces(
  input: FfmpegInput,
  options: CallOptions = {},
): AsyncGenerator<PcmPiece, void, undefined> {
  const reader = ByteReader.ofStream(ffmpegOutput(input, APART, options), { signal: options.signal });
  try {
    // It may have ended before it wrote a header: why, is told when the reader asks for more.
    if ((await reader.peek(1)).length === 0) return;
    for await (const piece of readWav(reader, {})) {
      reader.release();
      yield piece;
    }
  } finally {
    await reader.close();
  }
}

/**
 * What ffmpeg writes.
 *
 * @param output     its arguments that say what to write
 * @param onDuration told the seconds of the recording, where ffmpeg knows them before it has decoded it
 */
async function* ffmpegOutput(
  { from, name, onRecognized }: FfmpegInput,
  output: readonly string[],
  { signal, onWarning }: CallOptions,
  onDuration?: (seconds: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  const isPath = typeof from === 'string';
  const protocol = isPath ? 'file' : 'pipe';
  // With "file:" a name like "concat:a|b" is not mistaken for a protocol.
  const input = isPath ? `file:${from}` : 'pipe:0';
  const formats = ['-protocol_whitelist', protocol, '-format_whitelist', FFMPEG_FORMATS];
  const child = await start(name, [...LOG_OPTIONS, ...formats, '-threads', '0', '-i', input, ...output], isPath);
  const log = new FfmpegLog(child.stderr, input, onRecognized);
  const ended = new Promise<{ code: number | null; failure?: NodeJS.ErrnoException }>((resolve) => {
    child.on('error', (failure) => resolve({ code: null, failure }));
    child.on('close', (code) => resolve({ code }));
  });
  const release = onAbort(signal, () => child.kill('SIGKILL'));
  let notFed: { readonly error: unknown } | undefined;
  if (!isPath) {
    feed(from, child.stdin).catch((error: unknown) => {
      notFed = { error };
      child.kill('SIGKILL');
    });
  }
  try {
    for await (const bytes of readPipe(child.stdout)) {
      signal?.throwIfAborted();
      if (log.duration !== undefined) onDuration?.(log.duration);
      yield bytes;
    }
    const { code, failure } = await ended;
    signal?.throwIfAborted();
    if (notFed) throw notFed.error;
    if (failure) throw cannotRun(name, failure);
    if (code !== 0) throw refused(name, log);
    if (log.complaints.length > 0)
      onWarning?.({ code: 'audioDamaged', message: `${name}: ffmpeg says: ${log.complaints.join('; ')}.` });
  } finally {
    release();
    child.kill('SIGKILL');
    // Until it has ended, its input file cannot be removed everywhere.
    await ended;
  }
}

async function start(name: string, args: readonly string[], isPath: boolean) {
  // Loaded where it is needed: what starts processes brings Node's network with it.
  const { spawn } = await import('node:child_process');
  try {
    const stdio = [isPath ? 'ignore' : 'pipe', 'pipe', 'pipe'] as const;
    // Of its pipes, stdin alone depends on `isPath`.
    return spawn('ffmpeg', args, { stdio: [...stdio] }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
  } catch (error) {
    // Not by Node, but by Deno where it must not start programs.
    throw cannotRun(name, error instanceof Error ? error : new Error(String(error)));
  }
}

/** 16-bit samples of bytes, whose pieces may be cut within a sample. */
async function* readSamples(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Samples, void, undefined> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const n = bytes.length >> 1;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const samples = new Float32Array(n);
    for (let i = 0; i < n; i++) samples[i] = view.getInt16(2 * i, true) / 32768;
    rest = bytes.slice(2 * n);
    if (n > 0) yield samples;
  }
}

async function* readPipe(pipe: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    // Node does not type its pieces: without an encoding they are Buffers.
    yield* pipe as AsyncIterable<Uint8Array>;
  } catch (error) {
    // The pipe of a process that was killed, or never began, is closed early: why, its end says.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** Writes bytes to ffmpeg as fast as it takes them; what comes after it has ended is not read. */
async function feed(bytes: AsyncIterable<Uint8Array>, stdin: Writable | null): Promise<void> {
  if (!stdin) return;
  let isOpen = true;
  const closed = new Promise<void>((resolve) => {
    stdin.on('error', () => {
      isOpen = false;
      resolve();
    });
    stdin.on('close', () => {
      isOpen = false;
      resolve();
    });
  });
  try {
    for await (const piece of bytes) {
      if (!isOpen) return;
      if (!stdin.write(piece)) await Promise.race([closed, new Promise((resolve) => stdin.once('drain', resolve))]);
    }
  } finally {
    stdin.end();
  }
}

/** What ffmpeg writes while it works: the length of the recording, and what is wrong with it. */
class FfmpegLog {
  /** Seconds, once they are known. */
  duration: number | undefined;
  readonly complaints: string[] = [];
  /** The format that is not on the list, if that is why it ends. */
  refused: string | undefined;
  readonly #input: string;
  readonly #onRecognized: (() => void) | undefined;
  #rest = '';

  /** @param input as ffmpeg is given it: a prefix of some of its lines */
  constructor(stderr: Readable, input: string, onRecognized: (() => void) | undefined) {
    this.#input = input;
    this.#onRecognized = onRecognized;
    stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split(/[\r\n]+/);
      this.#rest = (lines.pop() ?? '').slice(-MAX_LINE_LENGTH);
      for (const line of lines) this.#read(line);
    });
  }

  #read(line: string): void {
    const complaint = /^(?:\[(?<part>[^\]]*) @ [^\]]*\] )?\[(?:error|fatal|panic)\] (?<text>.*)$/.exec(line)?.groups;
    if (complaint) {
      const { part, text = '' } = complaint;
      if (text.startsWith('Format not on whitelist')) this.refused ??= part ?? '';
      else if (part !== undefined) this.#onRecognized?.();
      const told = text.replace(`${this.#input}: `, '').trim().slice(0, MAX_LINE_LENGTH);
      // A damaged file has the same fault again and again.
      if (this.complaints.length < MAX_COMPLAINTS && told !== '' && !this.complaints.includes(told))
        this.complaints.push(told);
    }
    if (line.startsWith('[info] Input #0')) this.#onRecognized?.();
    const time = /^\[info\] {3}Duration: (\d+):(\d\d):(\d\d\.\d+)/.exec(line);
    if (time) this.duration ??= Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(time[3]);
  }
}

function cannotRun(name: string, cause: NodeJS.ErrnoException): AudioError {
  if (cause.code !== 'ENOENT')
    return new AudioError('undecodable', `ffmpeg cannot be run: ${systemReason(cause)}.`, { cause });
  return new AudioError('unsupported', `${name} is not WAV, FLAC, MP3, Ogg Opus or Ogg Vorbis.`, {
    hint: 'Install ffmpeg and put it on the PATH: it decodes everything else. Or convert the file to WAV.',
  });
}

function refused(name: string, { refused: format, complaints }: FfmpegLog): AudioError {
  if (format !== undefined) {
    return new AudioError('undecodable', `${name} is ${refusedFormat(format)}.`, {
      hint: 'Give the recording itself.',
    });
  }
  const why = complaints.length > 0 ? complaints.join('; ') : 'it ended without a word';
  return new AudioError('undecodable', `ffmpeg cannot decode ${name}: ${why}.`);
}
