/**
 * Decodes several windows at once: chunks of one recording, or of many. Each is decoded as a recording of its own, with its
 * own quality checks and fallback, and without the text of the others in its prompt. The segments of each come in order.
 */
import { N_FRAMES } from '../../audio/constants.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import { DeviceError, NumericError, OptionsError } from '../../base/errors.ts';
import type { Inference } from '../../decode/inference.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import { prepareRecording } from '../recording/recording.ts';
import type { SpeechModel } from '../speechModel.ts';
import { framesToSeconds } from '../time.ts';
import type { Segment, TranscriptSummary } from '../transcript.ts';
import { promptHistory } from '../window/prompt.ts';
import { WindowDecoder, type WindowResult } from '../window/window.ts';
import { WindowWork } from '../window/windowWork.ts';
import { type Lane, Lanes } from './lanes.ts';
import { withWordsOf } from './withWords.ts';

export interface BatchRecording {
  /** For `onProgress`. */
  readonly name?: string | undefined;
  /** Called when there is room for its windows; the log-mel is closed when they are decoded, or nobody wants them. */
  readonly open: () => Promise<LogMel>;
}

/** Of recording `index`: a segment (they come in order), then the summary; or the error that it failed with. */
export type BatchEvent =
  | { readonly index: number; readonly segment: Segment }
  | { readonly index: number; readonly summary: TranscriptSummary }
  | { readonly index: number; readonly error: unknown };

const WINDOW_SECONDS = framesToSeconds(N_FRAMES);

interface Job {
  readonly index: number;
  readonly name: string | undefined;
  readonly lanes: Lanes;
  failure?: { readonly error: unknown };
}

/** A lane with a window to decode. */
interface Pending {
  readonly job: Job;
  readonly lane: Lane;
}

/**
 * @returns events of all recordings. One that cannot be read, or for which the model gives NaN, is reported and left out;
 *   the others go on.
 * @throws {OptionsError}, {DeviceError}; the signal's reason
 */
export async function* transcribeBatch(
  given: SpeechModel,
  recordings: readonly BatchRecording[],
  options: ResolvedTranscribeOptions,
): AsyncGenerator<BatchEvent, void, undefined> {
  const { signal, onProgress } = options;
  let { batchSize } = options;
  let tellWork = (_share: number): void => {};
  const work = new WindowWork(given.inference, (share) => tellWork(share));
  const model = onProgress ? { ...given, inference: work.inference } : given;
  const { inference, tokenizer } = model;
  if (!inference.reserveAudio) {
    throw new OptionsError('batchSize', 'This engine has room for one window only: it cannot decode several at once.');
  }
  const decoder = new WindowDecoder(model, options);
  const withWords = withWordsOf(model, options);
  // Every chunk is a beginning: it gets the initial prompt, unless that is not to be carried.
  const { prompt } = promptHistory(model, { ...options, carryInitialPrompt: true });
  const laterPrompt = options.carryInitialPrompt
    ? prompt
    : promptHistory(model, { ...options, initialPrompt: undefined }).prompt;
  let jobs: Job[] = [];
  const unopened = recordings.entries();
  try {
    for (;;) {
      while (pending(jobs).length < batchSize) {
        const { value } = unopened.next();
        if (!value) break;
        const [index, recording] = value;
        try {
          jobs.push({ index, name: recording.name, lanes: await openLanes(model, recording, options) });
        } catch (error) {
          if (signal?.aborted || error instanceof OptionsError) throw error;
          yield { index, error };
        }
      }
      const [oldest] = jobs;
      if (!oldest) return;
      const progress = oldest.lanes.progress(oldest.name);
      onProgress?.(progress);
      let round = pending(jobs).slice(0, batchSize);
      const room = await makeRoom(inference, round.length, signal);
      if (room < round.length) {
        const message = `There is no memory for ${round.length} windows at once: ${room} are decoded at a time.`;
        options.onWarning?.({ code: 'smallerBatch', message });
        batchSize = room;
        round = round.slice(0, room);
      }
      const ahead = WINDOW_SECONDS * round.filter(({ job }) => job === oldest).length;
      work.begin({ windows: round.length });
      tellWork = (share) =>
        onProgress?.({ ...progress, reached: Math.min(progress.total, progress.done + share * ahead) });
      await decodeRound(decoder, round, ({ job, lane }) => (job.lanes.isAtStart(lane) ? prompt : laterPrompt));

      for (const { index, name, lanes, failure } of jobs) {
        if (failure) {
          yield { index, error: failure.error };
          continue;
        }
        for (const segment of lanes.emit(withWords, tokenizer)) yield { index, segment };
        if (!lanes.isEmitted) continue;
        onProgress?.(lanes.progress(name));
        yield { index, summary: lanes.summary(tokenizer) };
      }
      const isOver = ({ failure, lanes }: Job): boolean => failure !== undefined || lanes.isEmitted;
      for (const { lanes } of jobs.filter(isOver)) await lanes.close();
      jobs = jobs.filter((job) => !isOver(job));
    }
  } finally {
    for (const { lanes } of jobs) await lanes.close();
  }
}

/** @returns the windows that there is room for now: so many, or, where memory does not suffice, half of them, and so on */
async function makeRoom(inference: Inference, windows: number, signal: AbortSignal | undefined): Promise<number> {
  try {
    if (windows > 0) await inference.reserveAudio?.(windows, signal);
    return windows;
  } catch (error) {
    const canDoWithLess = error instanceof DeviceError && error.code === 'outOfMemory' && windows > 1;
    if (!canDoWithLess) throw error;
    return makeRoom(inference, Math.ceil(windows / 2), signal);
  }
}

async function openLanes(
  model: SpeechModel,
  { open }: BatchRecording,
  options: ResolvedTranscribeOptions,
): Promise<Lanes> {
  const mel = await open();
  try {
    return new Lanes(await prepareRecording(model, mel, options));
  } catch (error) {
    await mel.close();
    throw error;
  }
}

/** Lanes that are not done, those of the oldest recording first. */
function pending(jobs: readonly Job[]): Pending[] {
  return jobs.flatMap((job) => job.lanes.all.filter(({ isDone }) => !isDone).map((lane) => ({ job, lane })));
}

/** Decodes the next window of each lane. */
async function decodeRound(
  decoder: WindowDecoder,
  round: readonly Pending[],
  promptOf: (pending: Pending) => readonly number[],
): Promise<void> {
  let windows: readonly WindowResult[];
  try {
    windows = await decoder.decode(round.map((one) => one.lane.request(promptOf(one))));
  } catch (error) {
    if (!(error instanceof NumericError)) throw error;
    // One of them caused it: each is tried alone.
    const [only] = round;
    if (only && round.length === 1) only.job.failure = { error };
    else for (const one of round) if (!one.job.failure) await decodeRound(decoder, [one], promptOf);
    return;
  }
  for (const [i, { lane }] of round.entries()) lane.add(windows[i]!);
}
