/**
 * A loaded model as users see it: recordings in, text out. Connects audio, model and decoding; knows no platform.
 */

import { type AudioInput, audioInput, inputName, nameOf, type OpenSound } from './audio/audioInput.ts';
import type { Scratch } from './audio/features/frameStore.ts';
import { type LogMel, logMel } from './audio/features/logMel.ts';
import { RunningLogMel } from './audio/features/runningLogMel.ts';
import type { Sound } from './audio/sound.ts';
import { OptionsError, SottoError } from './base/errors.ts';
import type { CallOptions, Progress } from './base/progress.ts';
import type { Semaphore } from './base/semaphore.ts';
import { anySignal } from './base/signals.ts';
import { Turn } from './base/turn.ts';
import { detectLanguage, type LanguageDetection } from './decode/languageDetect.ts';
import { SharedInference } from './decode/pool/sharedInference.ts';
import type { Device } from './engine/device.ts';
import type { ModelDimensions } from './model/dims.ts';
import type { ModelInference } from './model/inference.ts';
import type { ChosenStorage } from './model/storage.ts';
import type { Tokenizer } from './text/tokenizer.ts';
import type { Alignment } from './transcribe/align/alignment.ts';
import type { AlignOptions } from './transcribe/align/options.ts';
import {
  ALL_BATCH_SIZE,
  type RecordingResult,
  type TranscribeAllOptions,
  transcribeAll,
} from './transcribe/batch/transcribeAll.ts';
import type { TranscribeOptions } from './transcribe/options.ts';
import type { SpeechModel } from './transcribe/speechModel.ts';
import type { SampleSource } from './transcribe/stream/sampleFeed.ts';
import type { StreamSummary, StreamUpdate } from './transcribe/stream/stream.ts';
import type { StreamOptions } from './transcribe/stream/streamOptions.ts';
import { checkTranscription, collectTranscript, transcribe, transcribeSegments } from './transcribe/transcribe.ts';
import type { Segment, Transcript, TranscriptSummary } from './transcribe/transcript.ts';

export interface WhisperParts {
  readonly device: Pick<Device, 'kind' | 'description' | 'isSoftware' | 'close'>;
  readonly inference: ModelInference;
  readonly tokenizer: Tokenizer;
  readonly openSound: OpenSound;
  /** Opens a temporary file for what a long recording needs; without one it is read more than once. */
  readonly scratch?: (() => Promise<Scratch>) | undefined;
  /** Recordings that are decoded at once, at most; 8 when absent. */
  readonly recordingsAtOnce?: number | undefined;
  /** Ends what is still read of the model's files, and closes them. */
  readonly release?: (() => Promise<void>) | undefined;
}

/** Node before 20.5 and older browsers have no such symbol: there it is the one that TypeScript's helpers and polyfills look for. */
const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

const RECORDINGS_AT_ONCE = 8;

/**
 * A model on a device. Many calls can be made at once: windows of different recordings are then decoded together, which takes
 * less time than one after the other and changes nothing of what each call gives. Calls above `recordingsAtOnce` of `load` wait
 * their turn, as does a batch (`batchSize`), which has the model for itself. In a loop over what a call finds, other calls can
 * be made: while the loop's body runs, the call takes no part.
 */
export class Whisper {
  /** Direct calls to it are not queued with those of `transcribe`: do not use both at once. */
  readonly inference: ModelInference;
  readonly tokenizer: Tokenizer;
  readonly #parts: WhisperParts;
  /** What a recording is decoded with that may be one of several. */
  readonly #shared: SpeechModel;
  readonly #admission: Semaphore;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(parts: WhisperParts) {
    this.#parts = parts;
    this.inference = parts.inference;
    const inference = new SharedInference(parts.inference, parts.recordingsAtOnce ?? RECORDINGS_AT_ONCE);
    this.#shared = { inference, tokenizer: parts.tokenizer };
    this.#admission = inference.admission;
    this.tokenizer = parts.tokenizer;
  }

  /** Another one after a GPU was lost: the work then goes on, and `onWarning` of `load` was told. */
  get device(): Pick<Device, 'kind' | 'description' | 'isSoftware'> {
    const { kind, description, isSoftware } = this.#parts.device;
    return { kind, description, ...(isSoftware && { isSoftware }) };
  }

  /** How weights and caches are stored on the device, and why, where that is not what was asked for. */
  get storage(): ChosenStorage {
    return this.inference.storage;
  }

  /** Bytes of the weights on the device. */
  get weightBytes(): number {
    return this.inference.weightBytes;
  }

  get dims(): ModelDimensions {
    return this.inference.dims;
  }

  /**
   * Transcribes a recording. May be called for many at once: each then gets the text and the times that it gets alone, and an
   * abort of one is none of the others' business.
   *
   *     const transcripts = await Promise.all(files.map((file) => whisper.transcribe(file)));
   *
   * @throws {AudioError} if it cannot be read; {OptionsError}; {DeviceError} `lost`; the signal's reason
   */
  async transcribe(audio: AudioInput, options: TranscribeOptions = {}): Promise<Transcript> {
    checkTranscription(this.#parts, options);
    if (options.channels === 'speakers') return collectTranscript(this.#speakers(audio, options));
    const { model, places } = this.#partOf(options.batchSize);
    return this.#admitted(options.signal, places, async (signal, turn) => {
      const mel = await this.#logMel(audio, { ...options, signal }, turn);
      try {
        return await transcribe(model, mel, { ...options, signal });
      } finally {
        await mel.close();
      }
    });
  }

  /**
   * The segments of a recording as soon as they are decoded; what the generator returns says the rest of the transcript.
   * Leaving the loop stops the work.
   *
   *     for await (const segment of whisper.segments('talk.mp3')) console.log(segment.text);
   */
  async *segments(
    audio: AudioInput,
    options: TranscribeOptions = {},
  ): AsyncGenerator<Segment, TranscriptSummary, undefined> {
    checkTranscription(this.#parts, options);
    if (options.channels === 'speakers') return yield* this.#speakers(audio, options);
    const { model, places } = this.#partOf(options.batchSize);
    return yield* this.#inTurns(options.signal, places, (signal, turn) =>
      this.#segments(model, audio, { ...options, signal }, turn),
    );
  }

  async *#segments(
    model: SpeechModel,
    audio: AudioInput,
    options: TranscribeOptions,
    turn: Turn,
  ): AsyncGenerator<Segment, TranscriptSummary, undefined> {
    const mel = await this.#logMel(audio, options, turn);
    try {
      return yield* transcribeSegments(model, mel, options);
    } finally {
      await mel.close();
    }
  }

  /**
   * Transcribes the channels of a recording as speakers. While somebody loops over their segments the work goes on, and the
   * call has its places until that is done.
   */
  async *#speakers(
    audio: AudioInput,
    options: TranscribeOptions,
  ): AsyncGenerator<Segment, TranscriptSummary, undefined> {
    if (this.#closed) throw closedError();
    const { signal, release } = anySignal(options.signal, this.#closing.signal);
    const reading = { ...options, signal };
    const mels: LogMel[] = [];
    let sound: Sound | undefined;
    let turn: Turn | undefined;
    try {
      // Most recordings are not of speakers.
      const { speakerNames, transcribeSpeakers } = await import('./transcribe/speakers/speakers.ts');
      const input = audioInput(audio);
      sound = input.kind === 'sound' ? input.sound : await this.#parts.openSound(input, reading);
      const channels = (await sound.channels?.(reading)) ?? [sound];
      const names = speakerNames(channels.length, options.speakerNames);
      const { model, places } = this.#partOf(options.batchSize, channels.length);
      turn = new Turn(this.#admission, signal, places);
      await turn.begin();
      for (const [i, channel] of channels.entries())
        mels.push(await this.#logMelOf(channel, partOfReading(reading, i, channels.length)));
      const speakers = mels.map((mel, i) => ({ mel, name: names[i]! })); // as many
      return yield* transcribeSpeakers(model, speakers, reading, { atOnce: places, onDecoded: () => turn?.end() });
    } catch (error) {
      throw this.#closed ? closedError() : error;
    } finally {
      turn?.end();
      for (const mel of mels) await mel.close();
      await sound?.close?.();
      release();
    }
  }

  /**
   * Transcribes many recordings, whose windows are decoded in common batches of `batchSize` (8). Each recording's result
   * is yielded as soon as it is complete; one that fails does not stop the others. Recordings are cut in chunks, which are not
   * shown what was said before them; what each has alone, many calls of `transcribe` give.
   *
   *     for await (const { index, transcript, error } of whisper.transcribeAll(files)) console.log(files[index], transcript?.text);
   *
   * @throws {OptionsError}; {DeviceError} `lost`; the signal's reason
   */
  async *transcribeAll(
    recordings: readonly AudioInput[],
    options: TranscribeAllOptions = {},
  ): AsyncGenerator<RecordingResult, void, undefined> {
    if (!Array.isArray(recordings)) {
      throw new OptionsError('type', `transcribeAll was given ${nameOf(recordings)}, not a list of recordings.`, {
        hint: 'For example: transcribeAll([audio])',
      });
    }
    const { model, places } = this.#partOf(options.batchSize ?? ALL_BATCH_SIZE);
    yield* this.#inTurns(options.signal, places, (signal, turn) => {
      const sources = recordings.map((audio, i) => {
        const name = inputName(audio) ?? `recording ${i + 1}`;
        const { onProgress } = options;
        const reading = {
          ...options,
          signal,
          onProgress: onProgress && ((progress: Progress) => onProgress({ item: name, ...progress })),
        };
        return { name, open: () => this.#logMel(audio, reading, turn) };
      });
      return transcribeAll(model, sources, { ...options, signal });
    });
  }

  /**
   * Transcribes sound while it arrives, and reports after each decode which text is stable from now on. Stable text is
   * never revised. Leaving the loop stops the work; memory use does not grow with the length of the sound. Other calls on
   * this model can run between two decodes.
   *
   *     for await (const { stable, partial } of whisper.stream(microphone)) show(stable, partial);
   *
   * The floor of the log-mel depends on the loudest moment so far, where `transcribe` knows that of the whole recording.
   *
   * @param samples mono, 16 kHz, in [-1, 1], in arrays of any length. Up to 30 s are read ahead; then the source is not
   *   asked for more until some have been decoded
   * @throws as `transcribe`, and whatever the source throws
   */
  async *stream(
    samples: SampleSource,
    options: StreamOptions = {},
  ): AsyncGenerator<StreamUpdate, StreamSummary, undefined> {
    if (this.#closed) throw closedError();
    const { signal, release } = anySignal(options.signal, this.#closing.signal);
    const runExclusive = <T>(work: () => Promise<T>): Promise<T> => this.#admitted(signal, 1, work);
    try {
      // A page that has no live sound does not load what is for it.
      const { transcribeStream } = await import('./transcribe/stream/stream.ts');
      const mel = new RunningLogMel(this.dims.nMels);
      return yield* transcribeStream({ ...this.#shared, runExclusive }, mel, samples, { ...options, signal });
    } catch (error) {
      throw this.#closed ? closedError() : error;
    } finally {
      release();
    }
  }

  /**
   * When each word of a text is said in a recording. What of the text is not said, and what is said and not in the text, is
   * reported, and moves nothing else.
   *
   *     const { segments, unmatched } = await whisper.align('talk.mp3', await readFile('talk.txt', 'utf8'));
   *
   * @param text its lines become segments, as do the cues of SubRip or WebVTT; or the lines themselves
   * @throws as `transcribe`; {OptionsError} `specialToken` for a text with the name of a special token, `noText` for none
   */
  async align(audio: AudioInput, text: string | readonly string[], options: AlignOptions = {}): Promise<Alignment> {
    if (this.#closed) throw closedError();
    // Whoever transcribes does not load what is for known texts.
    const { align, recognitionOptions, textLines } = await import('./transcribe/align/align.ts');
    const lines = textLines(text);
    checkTranscription(this.#parts, recognitionOptions(options));
    return this.#admitted(options.signal, 1, async (signal, turn) => {
      const mel = await this.#logMel(audio, { ...options, signal }, turn);
      try {
        return await align(this.#shared, mel, lines, { ...options, signal });
      } finally {
        await mel.close();
      }
    });
  }

  /**
   * Work on the log-mel of a recording that has the model to itself, such as `inspectRecording`'s.
   *
   * @throws {AudioError} if the recording cannot be read; what the work throws; the signal's reason
   */
  withLogMel<T>(
    audio: AudioInput,
    options: CallOptions,
    work: (model: SpeechModel, mel: LogMel, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.#admitted(options.signal, this.#admission.size, async (signal, turn) => {
      const mel = await this.#logMel(audio, { ...options, signal }, turn);
      try {
        return await work(this.#parts, mel, signal);
      } finally {
        await mel.close();
      }
    });
  }

  /** The language of the first 30 seconds, and the probability of each. */
  async detectLanguage(audio: AudioInput, options: CallOptions = {}): Promise<LanguageDetection> {
    return this.#admitted(options.signal, 1, async (signal, turn) => {
      const mel = await this.#logMel(audio, { ...options, signal }, turn);
      try {
        const { inference, tokenizer } = this.#shared;
        const window = await inference.encode(await mel.detectionWindow(), signal);
        try {
          return await detectLanguage(inference, tokenizer, window, signal);
        } finally {
          window.close();
        }
      } finally {
        await mel.close();
      }
    });
  }

  /** Stops all work, frees all memory, and lets the process end. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** `close`, at the end of the block in which `await using whisper = await load(...)` stands. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closing.abort(closedError());
    // The lock is not waited for: the reader of `segments` may be the caller. Work in flight fails with the device.
    await this.#parts.device.close();
    await this.#parts.release?.();
  }

  /** What a call works with: its part of the pool; for windows of its own that are decoded together all of it, and the engine. */
  #partOf(batchSize = 1, wanted = 1): { readonly model: SpeechModel; readonly places: number } {
    const { size } = this.#admission;
    return batchSize > 1
      ? { model: this.#parts, places: size }
      : { model: this.#shared, places: Math.min(wanted, size) };
  }

  /**
   * @param turn given up while the recording is opened: a stream may be slow, and its source may call this model
   * @returns a log-mel that closes the sound too
   */
  async #logMel(audio: AudioInput, options: CallOptions, turn: Turn): Promise<LogMel> {
    const input = audioInput(audio);
    const close = async (opened: Sound): Promise<void> => opened.close?.();
    const sound =
      input.kind === 'sound' ? input.sound : await turn.without(() => this.#parts.openSound(input, options), close);
    try {
      const mel = await this.#logMelOf(sound, options);
      return {
        ...mel,
        async close() {
          await mel.close();
          await sound.close?.();
        },
      };
    } catch (error) {
      await sound.close?.();
      throw error;
    }
  }

  #logMelOf(sound: Sound, { signal, onProgress, onWarning }: CallOptions): Promise<LogMel> {
    return logMel(sound, { signal, onProgress, onWarning, scratch: this.#parts.scratch, nMels: this.dims.nMels });
  }

  /**
   * Runs a generator whose steps wait for their turn. Between two steps its places are free: no step leaves anything on the
   * device.
   */
  async *#inTurns<T, R>(
    given: AbortSignal | undefined,
    places: number,
    start: (signal: AbortSignal, turn: Turn) => AsyncGenerator<T, R, undefined>,
  ): AsyncGenerator<T, R, undefined> {
    if (this.#closed) throw closedError();
    const { signal, release } = anySignal(given, this.#closing.signal);
    const turn = new Turn(this.#admission, signal, places);
    const steps = start(signal, turn);
    try {
      for (;;) {
        await turn.begin();
        const step = await steps.next();
        turn.end();
        if (step.done) return step.value;
        yield step.value;
      }
    } catch (error) {
      throw this.#closed ? closedError() : error;
    } finally {
      turn.end();
      await steps.return(undefined as never); // what it would give is nobody's any more
      release();
    }
  }

  /** @param work is given a signal that `close` aborts too */
  async #admitted<T>(
    given: AbortSignal | undefined,
    places: number,
    work: (signal: AbortSignal, turn: Turn) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw closedError();
    const { signal, release } = anySignal(given, this.#closing.signal);
    const turn = new Turn(this.#admission, signal, places);
    try {
      await turn.begin();
      return await work(signal, turn);
    } catch (error) {
      throw this.#closed ? closedError() : error;
    } finally {
      turn.end();
      release();
    }
  }
}

/** Reading one of several channels is a part of reading the recording; what is damaged is told once. */
function partOfReading({ signal, onProgress, onWarning }: CallOptions, channel: number, count: number): CallOptions {
  return {
    signal,
    onProgress:
      onProgress &&
      ((progress) => onProgress({ ...progress, done: (channel * progress.total + progress.done) / count })),
    onWarning: channel === 0 ? onWarning : undefined,
  };
}

function closedError(): SottoError {
  return new SottoError('closed', 'This model was closed.', { hint: 'Load it again.' });
}
