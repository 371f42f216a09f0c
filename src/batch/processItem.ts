/** One recording from its sound to its outputs. */
import type { AudioInput } from '../audio/audioInput.ts';
import { OutputError } from '../base/errors.ts';
import type { Progress, Warning } from '../base/progress.ts';
import { write } from '../output/writer.ts';
import type { TranscribeOptions } from '../transcribe/options.ts';
import type { Transcript } from '../transcribe/transcript.ts';
import { type Failure, failureOf, stopsRun } from './failure.ts';
import type { BatchItem, ItemSettings } from './item.ts';
import type { OutputStore } from './outputs.ts';
import type { OpenAudio } from './sources/openAudio.ts';

/** A loaded model, as far as a batch needs it. Called for many recordings at once. */
export interface Transcriber {
  transcribe(audio: AudioInput, options: TranscribeOptions): Promise<Transcript>;
}

export type ItemResult =
  | { readonly status: 'done' /** Of sound. */; readonly seconds: number; readonly ms: number }
  | ({ readonly status: 'failed'; readonly ms: number } & Failure);

export interface ItemWork {
  readonly transcriber: Transcriber;
  readonly openAudio: OpenAudio;
  readonly outputs: OutputStore;
}

export interface ItemCall {
  readonly signal: AbortSignal;
  /** Asked when all is written and nothing is in place: nothing is published when the answer is no. */
  readonly mayPublish?: (() => boolean | Promise<boolean>) | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/**
 * @returns that all of its outputs are in place, or what is wrong with this recording
 * @throws what stops a run (`stopsRun`), such as a full disk; {OutputError} `takenOver` if it may not be published; the
 *   signal's reason
 */
export async function processItem(
  { item, key, settings }: { readonly item: BatchItem; readonly key: string; readonly settings: ItemSettings },
  { transcriber, openAudio, outputs }: ItemWork,
  { signal, mayPublish = () => true, onProgress, onWarning }: ItemCall,
): Promise<ItemResult> {
  const started = performance.now();
  const ms = (): number => Math.round(performance.now() - started);
  try {
    await outputs.check?.(item);
    const audio = await openAudio(item, signal);
    const call = { signal, onProgress, onWarning };
    const transcript = await transcriber.transcribe(audio, { ...settings.transcribe, ...call });
    const encoder = new TextEncoder();
    const files = outputs.formats.map((format) => ({
      format,
      bytes: encoder.encode(write(transcript, format, settings.layout)),
    }));
    await outputs.publish(item, key, files, async () => {
      signal.throwIfAborted();
      if (!(await mayPublish())) throw takenOver(item);
    });
    return { status: 'done', seconds: transcript.duration ?? 0, ms: ms() };
  } catch (error) {
    // Whatever an abort is reported as on its way here.
    signal.throwIfAborted();
    if (stopsRun(error, item)) throw error;
    return { status: 'failed', ...failureOf(error), ms: ms() };
  }
}

function takenOver({ id }: BatchItem): OutputError {
  return new OutputError('takenOver', `Another worker has ${id} now: what this one has made is not published.`);
}
