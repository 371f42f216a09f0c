/**
 * What does a long recording cost before any word of it is decoded? An hour and ten hours, made by repeating a clip, as WAV,
 * FLAC, MP3, Opus and m4a (by ffmpeg): peak memory against that of one window, and the processor's time of the first pass
 * (to the loudest value), of all windows in order and of looking for speech, each in a process of its own.
 *
 *   node dist/bench/long.js [--hours 1,10] [--formats wav,flac,mp3,opus,m4a] [--save]
 *
 * Ends with 1 if a recording takes more than 30 MB beyond one window, or 60 with speech detection, which keeps 8 bytes a
 * frame.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { N_FRAMES } from '../src/audio/constants.ts';
import { measureActivity } from '../src/audio/features/activity.ts';
import { logMel } from '../src/audio/features/logMel.ts';
import { createNodePlatform } from '../src/runtime/node.ts';
import { openSound } from '../src/runtime/nodeAudio.ts';
import { repoRoot } from '../test/support/paths.ts';

const ENCODERS: Readonly<Record<string, readonly string[]>> = {
  wav: ['-c:a', 'pcm_s16le'],
  flac: ['-c:a', 'flac'],
  mp3: ['-c:a', 'libmp3lame', '-b:a', '64k'],
  opus: ['-c:a', 'libopus', '-b:a', '24k'],
  m4a: ['-c:a', 'aac', '-b:a', '64k'],
};
/** Seconds of the clip that is encoded; longer recordings are copies of it. */
const CLIP_SECONDS = 360;

interface Measured {
  readonly minutes: number;
  /** MB, the largest resident set of the process. */
  readonly peak: number;
  /** Seconds of the processor, ours alone. */
  readonly first: number;
  readonly second: number;
  readonly speech: number;
  /** Seconds on the clock, ffmpeg's work included. */
  readonly wall: number;
}

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '1,10' },
    formats: { type: 'string', default: Object.keys(ENCODERS).join(',') },
    save: { type: 'boolean', default: false },
    /** In the process that is measured. */
    read: { type: 'string' },
    speech: { type: 'boolean', default: false },
  },
});

if (values.read !== undefined) console.log(JSON.stringify(await measure(values.read, values.speech)));
else report(values.hours.split(',').map(Number), values.formats.split(','), values.save);

async function measure(file: string, withSpeech: boolean): Promise<Measured> {
  const start = performance.now();
  let last = process.cpuUsage();
  const lap = (): number => {
    const { user, system } = process.cpuUsage(last);
    last = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const sound = await openSound({ kind: 'address', address: file });
  const mel = await logMel(sound, { nMels: 80, scratch: createNodePlatform().scratch });
  const first = lap();
  let window: Float32Array | undefined;
  for (let seek = 0; seek < mel.nFrames; seek += N_FRAMES)
    window = await mel.window(seek, Math.min(N_FRAMES, mel.nFrames - seek), window);
  const second = lap();
  if (withSpeech) await measureActivity(mel);
  const speech = lap();
  await mel.close();
  await sound.close?.();
  const peak = process.resourceUsage().maxRSS / 1024;
  const wall = (performance.now() - start) / 1000;
  return { minutes: mel.nFrames / 6000, peak, first, second, speech, wall };
}

function inOwnProcess(file: string, ...more: string[]): Measured {
  const child = spawnSync(process.execPath, [process.argv[1] ?? '', '--read', file, ...more], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`${file}: ${child.stderr}`);
  return JSON.parse(child.stdout) as Measured; // written by `measure` above
}

function ffmpeg(...args: string[]): void {
  const { status, stderr } = spawnSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${stderr}`);
}

function report(hours: readonly number[], formats: readonly string[], save: boolean): void {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-long-'));
  const rows: string[] = [];
  const number = (value: number, digits = 1): string => value.toFixed(digits);
  try {
    for (const format of formats) {
      const clip = join(folder, `clip.${format}`);
      const encoder = ENCODERS[format];
      if (!encoder) throw new Error(`no ${format}`);
      const jfk = join(repoRoot, 'assets/jfk.wav');
      ffmpeg('-stream_loop', '-1', '-i', jfk, '-t', `${CLIP_SECONDS}`, ...encoder, clip);
      const short = join(folder, `short.${format}`);
      ffmpeg('-i', clip, '-t', '30', '-c', 'copy', short);
      const window = inOwnProcess(short).peak;
      for (const hour of hours) {
        const file = join(folder, `long.${format}`);
        ffmpeg('-stream_loop', `${(hour * 3600) / CLIP_SECONDS - 1}`, '-i', clip, '-c', 'copy', file);
        const size = statSync(file).size / 1e6;
        const { minutes, peak, first, second, wall } = inOwnProcess(file);
        // Its memory does not depend on the format.
        const withSpeech = format === 'wav' ? inOwnProcess(file, '--speech') : undefined;
        rmSync(file);
        if (peak > window + 30 || (withSpeech && withSpeech.peak > window + 60)) process.exitCode = 1;
        const megabytes = [size, window, peak].map((value) => number(value, 0));
        const speech = withSpeech ? [number(withSpeech.peak, 0), number(withSpeech.speech)] : ['', ''];
        const seconds = [first, second, wall].map((value) => number(value));
        const row = [format, number(minutes / 60, 2), ...megabytes, ...seconds, ...speech];
        rows.push(`| ${row.join(' | ')} |`);
        console.log(rows.at(-1));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (!save) return;
  const text = `# Long recordings

Reading a recording of one hour and of ten, before any word is decoded (\`node dist/bench/long.js --save\`): peak memory of the
process for one window of 30 s and for all of it; seconds of the processor for the first pass and for all windows in order;
seconds on the clock for both, with what ffmpeg takes (m4a); memory and seconds of the processor with speech detection, which
keeps 8 bytes a frame and does not depend on the format. ${cpus()[0]?.model.trim() ?? ''}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}; a machine that others used too.

| format | hours | file, MB | one window, MB | peak, MB | first pass, s | windows, s | clock, s | with speech, MB | speech, s |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
${rows.join('\n')}
`;
  writeFileSync(join(repoRoot, 'bench/results/long.md'), text);
}
