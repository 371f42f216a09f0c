/**
 * Transcribes several windows at once: pieces of one recording, or of many. Each is decoded as a recording of its own,
 * with its own quality checks and fallback, and none is shown what another said. What comes out of each is in order.
 */
import { NumericError, OptionsError } from '../../base/errors.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import { prepareRecording } from '../recording/recording.ts';
import type { TranscriptSummary } from '../transcribe.ts';
import { promptHistory } from '../window/prompt.ts';
import type { Segment } from '../window/segments.ts';
import { type FinishedWindow, type MelSource, type Transcriber, WindowDecoder } from '../window/window.ts';
import { type Chain, Chains } from './lanes.ts';

export interface BatchRecording {
  /** For `onProgress`. */
  readonly name?: string | undefined;
  /** Called when there is room for its windows. */
  readonly open: () => Promise<MelSource>;
}

/** What is known of recording `index`: a segment (they come in order), then the summary; or what went wrong with it. */
export type BatchEvent =
  | { readonly index: number; readonly segment: Segment }
  | { readonly index: number; readonly summary: TranscriptSummary }
  | { readonly index: number; readonly error: unknown };

interface Job {
  readonly index: number;
  readonly name: string | undefined;
  readonly chains: Chains;
  /** What went wrong with it. */
  failure?: { readonly error: unknown };
}

interface Task {
  readonly job: Job;
  readonly chain: Chain;
}

/**
 * @returns events of all recordings. One that cannot be read, or of which the model makes no sense, is told and left;
 *   the others go on.
 * @throws {OptionsError}, {DeviceError}; the signal's reason
 */
export async function* transcribeBatch(
  model: Transcriber,
  recordings: readonly BatchRecording[],
  options: ResolvedTranscribeOptions,
): AsyncGenerator<BatchEvent, void, undefined> {
  const { signal, onProgress, batchSize } = options;
  const { inference, tokenizer } = model;
  if (!inference.reserveAudio) {
    throw new OptionsError('batchSize', 'This engine holds one window at a time: it cannot decode several at once.');
  }
  const decoder = new WindowDecoder(model, options);
  // Every piece is a beginning: it is shown the initial prompt, unless that is not to be carried.
  const { prompt } = promptHistory(model, { ...options, carryInitialPrompt: true });
  const laterPrompt = options.carryInitialPrompt
    ? prompt
    : promptHistory(model, { ...options, initialPrompt: undefined }).prompt;
  let jobs: Job[] = [];
  let opened = 0;
  for (;;) {
    while (opened < recordings.length && waiting(jobs).length < batchSize) {
      const index = opened++;
      const { name, open } = recordings[index]!;
      try {
        jobs.push({ index, name, chains: new Chains(await prepareRecording(model, await open(), options)) });
      } catch (error) {
        if (signal?.aborted || error instanceof OptionsError) throw error;
        yield { index, error };
      }
    }
    const [oldest] = jobs;
    if (!oldest) return;
    onProgress?.(oldest.chains.progress(oldest.name));
    const round = waiting(jobs).slice(0, batchSize);
    if (round.length > 0) await inference.reserveAudio(round.length, signal);
    await decodeRound(decoder, round, ({ chains }, chain) => (chains.isUntouched(chain) ? prompt : laterPrompt));

    for (const { index, name, chains, failure } of jobs) {
      if (failure) {
        yield { index, error: failure.error };
        continue;
      }
      for (const segment of chains.ready(decoder, tokenizer)) yield { index, segment };
      if (!chains.isTold) continue;
      onProgress?.(chains.progress(name));
      yield { index, summary: chains.summary(tokenizer) };
    }
    jobs = jobs.filter(({ failure, chains }) => !failure && !chains.isTold);
  }
}

/** Pieces that can be decoded now, the oldest recording's first. */
function waiting(jobs: readonly Job[]): Task[] {
  return jobs.flatMap((job) => job.chains.all.filter(({ isDone }) => !isDone).map((chain) => ({ job, chain })));
}

async function decodeRound(
  decoder: WindowDecoder,
  round: readonly Task[],
  promptOf: (job: Job, chain: Chain) => readonly number[],
): Promise<void> {
  const requests = round.map(({ job, chain }) => chain.request(promptOf(job, chain)));
  let windows: FinishedWindow[];
  try {
    windows = await decoder.run(requests);
  } catch (error) {
    if (!(error instanceof NumericError)) throw error;
    // One of them is to blame: found out one by one.
    const [only] = round;
    if (only && round.length === 1) only.job.failure = { error };
    else for (const task of round) if (!task.job.failure) await decodeRound(decoder, [task], promptOf);
    return;
  }
  for (const [i, { chain }] of round.entries()) chain.add(windows[i]!);
}
