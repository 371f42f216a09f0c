/** `npm run demo`: transcribes the shipped recording with the smallest model, and says where and how fast it ran. */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Progress, Warning } from '../base/progress.ts';
import { load } from '../load.node.ts';
import { formatTimestamp } from '../output/timestamp.ts';
import { errorText } from './errors.ts';
import { EXIT } from './io.ts';
import { megabytes } from './modelLine.ts';
import { hostPlatform } from './platform.ts';
import { ProgressDisplay } from './progress.ts';

const recording = relative('.', fileURLToPath(new URL('../../../assets/jfk.wav', import.meta.url)));
/** Of the recording, in seconds. */
const DURATION = 11;

const { stdout, stderr } = process;
const display = new ProgressDisplay(stderr);
const controller = new AbortController();
process.once('SIGINT', () => controller.abort());
const { signal } = controller;
const call = {
  signal,
  onProgress: (progress: Progress) => display.show({ item: recording, ...progress }),
  onWarning: ({ message }: Warning) => display.note(message),
};

try {
  stderr.write('Whisper tiny, in 8 bits, reads John F. Kennedy, 20 January 1961 (assets/jfk.wav, 11 s).\n');
  const started = performance.now();
  const whisper = await load('tiny-demo', { ...call, platform: hostPlatform() });
  try {
    const loaded = performance.now();
    const transcript = await whisper.transcribe(recording, call);
    const ended = performance.now();
    display.clear();
    for (const { start, end, text } of transcript.segments) {
      stdout.write(`[${formatTimestamp(start)} --> ${formatTimestamp(end)}] ${text}\n`);
    }
    const { kind, description } = whisper.device;
    const took = (ended - loaded) / 1000;
    stdout.write(
      `\ndevice   ${kind === 'cpu' ? 'CPU' : 'GPU (WebGPU)'}: ${description}\n` +
        `model    loaded in ${((loaded - started) / 1000).toFixed(2)} s, ${megabytes(whisper.weightBytes)} of weights\n` +
        `speed    ${DURATION} s of sound in ${took.toFixed(2)} s: ${(DURATION / took).toFixed(1)} times faster than real time\n`,
    );
  } finally {
    await whisper.close();
  }
} catch (error) {
  display.clear();
  process.exitCode = signal.aborted ? EXIT.interrupted : EXIT.failed;
  if (!signal.aborted) stderr.write(`${errorText(error)}\n`);
}
