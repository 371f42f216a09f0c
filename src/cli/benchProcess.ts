/** One measurement of `sotto bench`, in a process of its own: so its memory is its own too, and its first run really the first. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type ErrorData, errorData, errorOf } from '../base/errorData.ts';
import { DeviceError, SottoError } from '../base/errors.ts';
import { type Measured, measureModel } from '../benchmark/measure.ts';
import type { BenchConfiguration } from '../benchmark/report.ts';
import { load, type NodeLoadOptions } from '../load.node.ts';
import { type CommandIo, EXIT } from './io.ts';
import { hostPlatform } from './platform.ts';

/** First argument of a process that another one has forked. */
export const MEASURE = '--as-measurement';

export interface BenchTask extends BenchConfiguration {
  readonly audio: string;
  readonly language: string | undefined;
  readonly cacheDir: string | undefined;
  readonly adapter: string | undefined;
}

type FromProcess = { readonly measured: Measured } | { readonly error: ErrorData };

/**
 * @returns what the process has found
 * @throws what it has thrown; {DeviceError} `lost` if it ended without a word; the signal's reason when aborted: it is gone then
 */
export async function measureInProcess(task: BenchTask, signal: AbortSignal): Promise<Measured> {
  signal.throwIfAborted();
  const child = fork(process.argv[1]!, ['bench', MEASURE, JSON.stringify(task)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const stop = (): boolean => child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  let answer: FromProcess | undefined;
  child.on('message', (message) => {
    answer = message as FromProcess; // of measureTask below
  });
  try {
    const [status, by] = (await once(child, 'close')) as [number | null, string | null];
    signal.throwIfAborted();
    if (!answer)
      throw new DeviceError('lost', `The process that measured ended with ${by ?? `exit status ${status}`}.`, {
        hint: 'It may have run out of memory: try a smaller model, or --dtype int8.',
      });
    if ('error' in answer) throw errorOf(answer.error);
    return answer.measured;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The process' side. @param argument a task as JSON */
export async function measureTask(argument: string, { signal }: CommandIo): Promise<number> {
  // Nobody waits any more.
  process.once('disconnect', () => process.exit(EXIT.failed));
  const task = JSON.parse(argument) as BenchTask; // of measureInProcess above
  let message: FromProcess;
  try {
    message = { measured: await measure(task, signal) };
  } catch (error) {
    if (signal.aborted) throw error;
    message = { error: errorData(error) };
  }
  await new Promise<void>((resolve) => process.send!(message, () => resolve()));
  process.removeAllListeners('disconnect');
  process.disconnect();
  return EXIT.ok;
}

function measure(task: BenchTask, signal: AbortSignal): Promise<Measured> {
  const { model, audio, language, cacheDir, adapter, batch } = task;
  const options: NodeLoadOptions = {
    // Checked by `load`, and choices of its options.
    device: task.device as NodeLoadOptions['device'],
    dtype: task.dtype as NodeLoadOptions['dtype'],
    threads: task.threads ?? undefined,
    cacheDir,
    adapter,
    signal,
    platform: hostPlatform(),
  };
  const call = { signal, language, ...(batch > 1 && { batchSize: batch }) };
  return measureModel(
    task.threads,
    () => load(model, options),
    (whisper, onSegment) => whisper.transcribe(audio, { ...call, onSegment }),
    () => 1024 * process.resourceUsage().maxRSS,
  );
}

/** What makes a row impossible, and not all of them. */
export function isOfRow(error: unknown): error is SottoError {
  return error instanceof DeviceError || (error instanceof SottoError && error.name === 'WeightsError');
}
