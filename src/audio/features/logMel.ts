/**
 * The log-mel spectrogram as openai/whisper's `transcribe()` computes it: 30 s of silence are appended to the whole
 * recording, one spectrogram is made of all of it, and its floor is 8 (that is 80 dB) below the loudest value of the
 * *whole* recording. So the floor is known only when all of it has been analysed once.
 *
 * A recording of a few minutes is kept as unclamped log10 values, and a window is clamped when it is cut. A longer one is
 * read a second time, in step with the windows that are asked for, so that its length does not matter to memory.
 * Analysing takes about 2.4 s an hour and a pass, decoding from 0.5 s (WAV, FLAC) to 8 s (MP3): see `bench/results/long.md`.
 *
 * @see openai/whisper, whisper/audio.py (`log_mel_spectrogram`, `pad_or_trim`), whisper/transcribe.py (`transcribe`)
 */
import { AudioError, OptionsError } from '../../base/errors.ts';
import { Mutex } from '../../base/mutex.ts';
import type { CallOptions } from '../../base/progress.ts';
import { pauses } from '../../base/yieldToEventLoop.ts';
import { HOP_LENGTH, N_FRAMES, N_SAMPLES, SAMPLE_RATE } from '../constants.ts';
import { type Sound, samplesSound } from '../sound.ts';
import { floorOf, MIN_LOG, scaleLog } from './melFrame.ts';
import { MelFrames } from './melFrames.ts';

export interface LogMelOptions extends CallOptions {
  /** 80 or 128: the model's `dims.nMels`. */
  readonly nMels: number;
  /** Bytes of frames that are kept; 16 MB when absent: 8.7 minutes of 80 bands. */
  readonly keepBytes?: number | undefined;
}

const KEEP_BYTES = 16 << 20;

/** The spectrogram of one recording. Values are about -1..1.5, one frame each 10 ms. */
export interface LogMel {
  readonly nMels: number;
  /** Frames of the recording itself, floor(nSamples / 160), without the silence after it. */
  readonly nFrames: number;
  /**
   * Frames seek .. seek + size - 1, padded to 30 s with the *value* 0.0, as windows are decoded. Quickest in ascending
   * order: for a window far before the last one a long recording is read from its start again.
   *
   * @returns [nMels, 3000], row-major
   * @throws {OptionsError} `windowRange` if the frames are not those of the recording and its 30 s of silence
   * @throws {AudioError} `changed` if a long recording is not what it was when it was first read; what reading it throws
   */
  window(seek: number, size: number): Promise<Float32Array>;
  /**
   * The first 30 s, padded with real silence, as language detection takes it.
   * @returns [nMels, 3000], row-major
   */
  detectionWindow(): Promise<Float32Array>;
  /** Stops reading the recording. A window asked for later begins to read it again. */
  close(): Promise<void>;
}

/**
 * Log-mel spectrogram of one recording, as Whisper's front end computes it. All of it is read once before this returns.
 *
 * @param audio samples (mono, 16 kHz, in [-1, 1]; shape [nSamples]) or a sound; an empty recording has no frames. The
 *   sound is the caller's to close, after the spectrogram
 * @throws {OptionsError} `nMels` unless it is a positive integer
 * @throws {AudioError} `nonFinite` at the first NaN or infinity, with its time; what reading the sound throws; the
 *   signal's reason, here and when a window is read
 */
export async function logMel(audio: Float32Array | Sound, options: LogMelOptions): Promise<LogMel> {
  const { nMels, signal, onWarning } = options;
  const frames = new MelFrames(nMels);
  const nKept = Math.floor((options.keepBytes ?? KEEP_BYTES) / (nMels * Float32Array.BYTES_PER_ELEMENT));
  signal?.throwIfAborted();
  const sound = 'read' in audio ? audio : samplesSound(audio);
  const progress = new ReadingProgress(sound, options);
  const pause = pauses();
  let isKept = true;
  for await (const piece of sound.read({ signal, onWarning, onProgress: progress.onRead })) {
    frames.push(piece);
    isKept &&= frames.end <= nKept;
    if (!isKept) frames.forget(frames.end);
    progress.report(frames.nSamples);
    await pause();
    signal?.throwIfAborted();
  }
  frames.finish();
  progress.end(frames.nSamples);

  const floor = floorOf(frames.peak);
  const nFrames = Math.floor(frames.nSamples / HOP_LENGTH);
  const nAnalysed = frames.end;
  const reader = isKept ? undefined : new FrameReader(sound, nMels, nKept, signal);
  const cut = async (seek: number, size: number): Promise<Float32Array> => {
    if (!(seek >= 0 && size >= 0 && size <= N_FRAMES && seek + size <= nFrames + N_FRAMES)) {
      throw new OptionsError(
        'windowRange',
        `Frames ${seek}..${seek + size} are not in a recording of ${nFrames} frames.`,
      );
    }
    // What follows is silence.
    const end = Math.min(seek + size, nAnalysed);
    const window = new Float32Array(nMels * N_FRAMES); // [nMels, N_FRAMES]
    const silence = scaleLog(MIN_LOG, floor);
    for (let m = 0; m < nMels; m++) window.fill(silence, m * N_FRAMES + Math.max(0, end - seek), m * N_FRAMES + size);
    const copy = (from: MelFrames): void => {
      for (let i = 0; seek + i < end; i++) {
        const log = from.frame(seek + i); // [nMels]
        for (let m = 0; m < nMels; m++) window[m * N_FRAMES + i] = scaleLog(log[m]!, floor);
      }
    };
    if (!reader) copy(frames);
    else if (seek < end) await reader.use(seek, end, copy);
    return window;
  };
  return {
    nMels,
    nFrames,
    window: cut,
    detectionWindow: () => cut(0, N_FRAMES),
    close: async () => reader?.close(),
  };
}

/** Reads a sound again, as far as its frames are asked for, and keeps the last ones. */
class FrameReader {
  readonly #sound: Sound;
  readonly #nMels: number;
  readonly #nKept: number;
  readonly #signal: AbortSignal | undefined;
  readonly #mutex = new Mutex();
  #reading: { readonly frames: MelFrames; readonly pieces: AsyncIterator<Float32Array> } | undefined;

  constructor(sound: Sound, nMels: number, nKept: number, signal: AbortSignal | undefined) {
    this.#sound = sound;
    this.#nMels = nMels;
    this.#nKept = Math.max(nKept, N_FRAMES);
    this.#signal = signal;
  }

  /** Hands frames that include `begin` up to `end` to `use`. */
  async use(begin: number, end: number, use: (frames: MelFrames) => void): Promise<void> {
    const unlock = await this.#mutex.lock(this.#signal);
    try {
      use(await this.#read(begin, end));
    } catch (error) {
      await this.#stop();
      throw error;
    } finally {
      unlock();
    }
  }

  async close(): Promise<void> {
    const unlock = await this.#mutex.lock();
    try {
      await this.#stop();
    } finally {
      unlock();
    }
  }

  async #read(begin: number, end: number): Promise<MelFrames> {
    if (this.#reading && begin < this.#reading.frames.first) await this.#stop();
    const signal = this.#signal;
    this.#reading ??= {
      frames: new MelFrames(this.#nMels),
      pieces: this.#sound.read({ signal })[Symbol.asyncIterator](),
    };
    const { frames, pieces } = this.#reading;
    const pause = pauses();
    while (frames.end < end) {
      const { done, value } = await pieces.next();
      if (done) frames.finish();
      else frames.push(value);
      if (done && frames.end < end) {
        const seconds = (frames.nSamples / SAMPLE_RATE).toFixed(3);
        throw new AudioError('changed', `The recording has changed: read again, it ends after ${seconds} s.`, {
          hint: 'Begin anew when nothing writes to it any more.',
        });
      }
      // What comes before `begin` is kept as long as there is room.
      frames.forget(Math.min(begin, frames.end - this.#nKept));
      await pause();
      signal?.throwIfAborted();
    }
    return frames;
  }

  async #stop(): Promise<void> {
    const reading = this.#reading;
    this.#reading = undefined;
    await reading?.pieces.return?.();
  }
}

/** Tells in seconds how far a sound has been read. Where its length is not known, it follows from the share that has. */
class ReadingProgress {
  readonly #onProgress: CallOptions['onProgress'];
  readonly #seconds: number | undefined;
  #share = 0;
  #nextReport = N_SAMPLES;

  constructor({ nSamples }: Sound, { onProgress }: CallOptions) {
    this.#onProgress = onProgress;
    this.#seconds = nSamples === undefined ? undefined : nSamples / SAMPLE_RATE;
  }

  readonly onRead: NonNullable<CallOptions['onProgress']> = ({ done, total }) => {
    this.#share = total > 0 ? Math.min(1, done / total) : 0;
  };

  report(nSamples: number): void {
    if (nSamples < this.#nextReport) return;
    this.#nextReport = nSamples - (nSamples % N_SAMPLES) + N_SAMPLES;
    const done = nSamples / SAMPLE_RATE;
    const total = Math.max(done, this.#seconds ?? (this.#share > 0 ? done / this.#share : 0));
    this.#onProgress?.({ stage: 'audio', done, total, unit: 'seconds' });
  }

  end(nSamples: number): void {
    const total = nSamples / SAMPLE_RATE;
    this.#onProgress?.({ stage: 'audio', done: total, total, unit: 'seconds' });
  }
}
