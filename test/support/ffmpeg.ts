/** The installed ffmpeg, for tests that hold ours against it where there is one. */
import { spawnSync } from 'node:child_process';

/** Is there an ffmpeg on the PATH? Says so once if there is none. */
export function ffmpegOrSkip(what: string): boolean {
  const found = spawnSync('ffmpeg', ['-version']).status === 0;
  if (!found) console.log(`skipped ${what}: no ffmpeg on the PATH`);
  return found;
}

/** What openai/whisper's load_audio gets: mono, 16 kHz, 16 bits. `input` are arguments before `-i`. */
export function ffmpegSamples(file: string, input: readonly string[] = [], bytes?: Uint8Array): Int16Array {
  const output = ['-f', 's16le', '-ac', '1', '-acodec', 'pcm_s16le', '-ar', '16000', '-'];
  const args = ['-nostdin', '-v', 'error', '-threads', '0', ...input, '-i', bytes ? '-' : file, ...output];
  const run = spawnSync('ffmpeg', bytes ? args.slice(1) : args, { input: bytes, maxBuffer: 2 ** 30 });
  if (run.status !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${run.stderr}`);
  return new Int16Array(new Uint8Array(run.stdout).buffer);
}

/** Encodes mono or interleaved f32 samples to a file of another kind, for round trips. */
export function ffmpegEncode(
  samples: Float32Array,
  rate: number,
  nChannels: number,
  output: readonly string[],
): Uint8Array {
  const args = ['-v', 'error', '-f', 'f32le', '-ar', `${rate}`, '-ac', `${nChannels}`, '-i', '-', ...output, '-'];
  const run = spawnSync('ffmpeg', args, { input: new Uint8Array(samples.buffer), maxBuffer: 2 ** 30 });
  if (run.status !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${run.stderr}`);
  return new Uint8Array(run.stdout);
}
