/**
 * A loaded model as users have it: recordings in, text out. Wires audio, model and decoding together; knows no platform.
 */
import type { AudioFile, ReadAudio } from './audio/audioFile.ts';
import { type LogMel, logMel } from './audio/features/logMel.ts';
import { RunningLogMel } from './audio/features/runningLogMel.ts';
import { SottoError } from './base/errors.ts';
import { Turns } from './base/mutex.ts';
import type { CallOptions, Progress } from './base/progress.ts';
import { eitherSignal } from './base/signals.ts';
import { detectLanguage, type LanguageDetection } from './decode/languageDetect.ts';
import type { Device } from './engine/device.ts';
import type { ModelDimensions } from './model/dims.ts';
import type { ModelInference } from './model/inference.ts';
import type { Tokenizer } from './text/tokenizer.ts';
import { type RecordingResult, type TranscribeAllOptions, transcribeAll } from './transcribe/batch/transcribeAll.ts';
import {
  type SampleSource,
  type StreamOptions,
  type StreamSummary,
  type StreamUpdate,
  transcribeStream,
} from './transcribe/stream/stream.ts';
import {
  type Segment,
  type TranscribeOptions,
  type Transcript,
  transcribe,
  transcribeSegments,
} from './transcribe/transcribe.ts';

/** A recording: mono samples at 16 kHz in [-1, 1], or a file of any kind. */
export type AudioInput = Float32Array | AudioFile;

export interface WhisperParts {
  readonly device: Device;
  readonly inference: ModelInference;
  readonly tokenizer: Tokenizer;
  readonly readAudio: ReadAudio;
}

/** A model on a device. Calls wait for one another: a model works on one recording at a time. */
export class Whisper {
  /** Its own calls do not wait for those of `transcribe`: do not use both at once. */
  readonly inference: ModelInference;
  readonly tokenizer: Tokenizer;
  readonly device: { readonly kind: Device['kind']; readonly description: string };
  readonly #parts: WhisperParts;
  readonly #turns = new Turns();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(parts: WhisperParts) {
    this.#parts = parts;
    this.inference = parts.inference;
    this.tokenizer = parts.tokenizer;
    this.device = { kind: parts.device.kind, description: parts.device.description };
  }

  get dims(): ModelDimensions {
    return this.inference.dims;
  }

  /**
   * Transcribes a recording.
   *
   * @throws {AudioError} if it cannot be read; {OptionsError}; {DeviceError} `lost`; the signal's reason
   */
  async transcribe(audio: AudioInput, options: TranscribeOptions = {}): Promise<Transcript> {
    return this.#inTurn(options.signal, async (signal) => {
      const mel = await this.#logMel(audio, { ...options, signal });
      return transcribe(this.#parts, mel, { ...options, signal });
    });
  }

  /**
   * The segments of a recording as they are found. Leaving the loop stops the work.
   *
   *     for await (const segment of whisper.segments('talk.mp3')) console.log(segment.text);
   */
  async *segments(audio: AudioInput, options: TranscribeOptions = {}): AsyncGenerator<Segment, void, undefined> {
    const turn = await this.#turn(options.signal);
    try {
      const call = { ...options, signal: turn.signal };
      yield* transcribeSegments(this.#parts, await this.#logMel(audio, call), call);
    } catch (error) {
      throw this.#closed ? closedError() : error;
    } finally {
      turn.end();
    }
  }

  /**
   * Transcribes many recordings, whose windows are decoded together, `batchSize` (8) at once. Each recording's result comes
   * as soon as it is complete; one that fails does not stop the others.
   *
   *     for await (const { index, transcript, error } of whisper.transcribeAll(files)) console.log(files[index], transcript?.text);
   *
   * @throws {OptionsError}; {DeviceError} `lost`; the signal's reason
   */
  async *transcribeAll(
    recordings: readonly AudioInput[],
    options: TranscribeAllOptions = {},
  ): AsyncGenerator<RecordingResult, void, undefined> {
    const turn = await this.#turn(options.signal);
    try {
      const call = { ...options, signal: turn.signal };
      const sources = recordings.map((audio, i) => {
        const name = typeof audio === 'string' || audio instanceof URL ? String(audio) : `recording ${i + 1}`;
        const { onProgress } = options;
        const reading = {
          ...call,
          onProgress: onProgress && ((told: Progress) => onProgress({ item: name, ...told })),
        };
        return { name, open: () => this.#logMel(audio, reading) };
      });
      yield* transcribeAll(this.#parts, sources, call);
    } catch (error) {
      throw this.#closed ? closedError() : error;
    } finally {
      turn.end();
    }
  }

  /**
   * Transcribes sound while it comes, and tells after each decode which text is stable from now on. Stable text is never
   * taken back. Leaving the loop stops the work; memory does not grow with the sound. Between two decodes other calls on
   * this model have their turn.
   *
   *     for await (const { stable, partial } of whisper.stream(microphone)) show(stable, partial);
   *
   * The floor of the log-mel hangs on the loudest moment so far, where `transcribe` knows the loudest of all.
   *
   * @param samples mono, 16 kHz, in [-1, 1], in arrays of any length. Up to 30 s are read ahead; then the source is not
   *   asked for more until some are decoded
   * @throws as `transcribe`, and what the source throws
   */
  async *stream(
    samples: SampleSource,
    options: StreamOptions = {},
  ): AsyncGenerator<StreamUpdate, StreamSummary, undefined> {
    if (this.#closed) throw closedError();
    const { signal, release } = eitherSignal(options.signal, this.#closing.signal);
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => this.#inTurn(signal, work);
    try {
      const mel = new RunningLogMel(this.dims.nMels);
      return yield* transcribeStream({ ...this.#parts, inTurn }, mel, samples, { ...options, signal });
    } catch (error) {
      throw this.#closed ? closedError() : error;
    } finally {
      release();
    }
  }

  /** Which language the first 30 seconds are in, and how probable each is. */
  async detectLanguage(audio: AudioInput, options: CallOptions = {}): Promise<LanguageDetection> {
    return this.#inTurn(options.signal, async (signal) => {
      const mel = await this.#logMel(audio, { ...options, signal });
      const { inference, tokenizer } = this.#parts;
      const window = await inference.encode(mel.detectionWindow(), signal);
      try {
        return await detectLanguage(inference, tokenizer, window, signal);
      } finally {
        window.close();
      }
    });
  }

  /** Stops what is running, gives all memory back, and lets the process end. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort(closedError());
    // Not waited for: whoever reads segments may be the one who closes. Work in flight fails with the device.
    await this.#parts.device.close();
  }

  async #logMel(audio: AudioInput, options: CallOptions): Promise<LogMel> {
    const samples = audio instanceof Float32Array ? audio : await this.#parts.readAudio(audio, options);
    return logMel(samples, { ...options, nMels: this.dims.nMels });
  }

  async #inTurn<T>(given: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const turn = await this.#turn(given);
    try {
      return await work(turn.signal);
    } catch (error) {
      throw this.#closed ? closedError() : error;
    } finally {
      turn.end();
    }
  }

  /** Waits for its turn. @returns a signal that `close` aborts too, and what ends the turn */
  async #turn(given: AbortSignal | undefined): Promise<{ readonly signal: AbortSignal; end(): void }> {
    if (this.#closed) throw closedError();
    const { signal, release } = eitherSignal(given, this.#closing.signal);
    try {
      const done = await this.#turns.take(signal);
      return {
        signal,
        end() {
          release();
          done();
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }
}

function closedError(): SottoError {
  return new SottoError('closed', 'This model was closed.', { hint: 'Load it again.' });
}
