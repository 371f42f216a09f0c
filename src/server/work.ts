/** One transcription as the server runs it: in its turn, on its model, with how far it is told to the queue. */
import type { Progress } from '../base/progress.ts';
import type { Segment, Transcript } from '../transcribe/transcript.ts';
import { type Answer, answerOf } from './formats.ts';
import { logprobsOf } from './logprobs.ts';
import type { Metrics } from './metrics.ts';
import type { Models, ServedModel } from './models.ts';
import type { Asked, RequestSettings } from './parameters.ts';
import type { Ticket } from './queue.ts';

export interface Work {
  /** A WAV file. */
  readonly path: string;
  readonly model: string;
  readonly asked: Asked;
  readonly settings: RequestSettings;
}

export interface WorkCallbacks {
  /** Called with the model before its first segment. */
  readonly onBegin?: ((model: ServedModel) => void) | undefined;
  readonly onSegment?: ((segment: Segment) => void) | undefined;
  /** Seconds of sound that are done. */
  readonly onProgress?: ((seconds: number) => void) | undefined;
}

export interface WorkResult {
  readonly transcript: Transcript;
  readonly answer: Answer;
}

/** @throws what loading and transcribing throw; the signal's reason */
export async function runWork(
  { models, metrics }: { readonly models: Models; readonly metrics: Metrics },
  { path, model: name, asked, settings }: Work,
  ticket: Ticket,
  signal: AbortSignal,
  { onBegin, onSegment, onProgress }: WorkCallbacks = {},
): Promise<WorkResult> {
  const entered = performance.now();
  const turn = ticket.run(signal, () => {
    metrics.waited((performance.now() - entered) / 1000);
    return models.use(name, signal, async (model) => {
      const started = performance.now();
      onBegin?.(model);
      const language = await languageOf(model, path, asked.languages, signal);
      const call = {
        ...(language !== undefined && { language }),
        signal,
        onProgress({ stage, done, reached = done }: Progress) {
          if (stage !== 'transcribe') return;
          ticket.progress(reached);
          onProgress?.(reached);
        },
      };
      const transcript =
        asked.text === undefined
          ? await model.transcribe(path, { ...settings.transcribe, ...call, onSegment })
          : await model.align(path, asked.text, { ...settings.align, ...call });
      metrics.transcribed(transcript.duration ?? 0, (performance.now() - started) / 1000);
      const logprobs = asked.wantsLogprobs ? logprobsOf(transcript.segments, model.tokenizer) : undefined;
      return { transcript, answer: answerOf(transcript, asked.format, settings.layout, logprobs) };
    });
  });
  return turn.catch((error: unknown) => {
    // Whatever an abort is reported as on its way here: why it came is what the client is told.
    signal.throwIfAborted();
    throw error;
  });
}

/** The likeliest of the languages that it may be. */
async function languageOf(
  model: ServedModel,
  path: string,
  languages: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (languages.length < 2) return languages[0];
  const { probabilities } = await model.detectLanguage(path, { signal });
  const probability = (code: string): number => probabilities[code] ?? 0;
  return languages.reduce((best, code) => (probability(code) > probability(best) ? code : best));
}
