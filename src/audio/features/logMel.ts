/**
 * The log-mel spectrogram as openai/whisper's `transcribe()` computes it: 30 s of silence are appended to the whole
 * recording, one spectrogram is made of all of it, and its floor is 8 (that is 80 dB) below the loudest value of the
 * *whole* recording. So the floor is known only when all of it has been analysed once.
 *
 * A recording of a few minutes is kept as unclamped log10 values, and a window is clamped when it is cut. The values of a
 * longer one go to a temporary file (115 MB an hour), or, where there is none, it is read again in step with the windows that
 * are asked for: its length does not matter to memory. `bench/results/long.md` says what both cost.
 *
 * @see openai/whisper, whisper/audio.py (`log_mel_spectrogram`, `pad_or_trim`), whisper/transcribe.py (`transcribe`)
 */
import { OptionsError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import { pauses } from '../../base/yieldToEventLoop.ts';
import { HOP_LENGTH, N_FRAMES, N_SAMPLES, SAMPLE_RATE } from '../constants.ts';
import { type Sound, samplesSound } from '../sound.ts';
import { FrameReader } from './frameReader.ts';
import { FrameStore, type Scratch } from './frameStore.ts';
import { floorOf, MIN_LOG, scaleLog } from './melFrame.ts';
import { MelFrames } from './melFrames.ts';

export interface LogMelOptions extends CallOptions {
  /** 80 or 128: the model's `dims.nMels`. */
  readonly nMels: number;
  /** Opens a temporary file for the frames of a long recording; without one it is read again. */
  readonly scratch?: (() => Promise<Scratch>) | undefined;
  /** Bytes of frames that are kept in memory; when absent 4 MB (2 minutes of 80 bands), 16 MB without `scratch`. */
  readonly keepBytes?: number | undefined;
}

/** Bytes of frames that are kept in memory, where the others go to a temporary file, and where they have to be made again. */
const KEEP_BYTES = { withScratch: 4 << 20, alone: 16 << 20 } as const;

/** The spectrogram of one recording. Values are about -1..1.5, one frame each 10 ms. */
export interface LogMel {
  readonly nMels: number;
  /** Frames of the recording itself, floor(nSamples / 160), without the silence after it. */
  readonly nFrames: number;
  /**
   * Frames seek .. seek + size - 1, padded to 30 s with the *value* 0.0, as windows are decoded. Quickest in ascending
   * order: without a temporary file a long recording is read from its start for a window far before the last one.
   *
   * @param room an array of that shape that may be filled in place of a new one
   * @returns [nMels, 3000], row-major
   * @throws {OptionsError} `windowRange` if the frames are not those of the recording and its 30 s of silence
   * @throws {AudioError} `changed` if a long recording is not what it was when it was first read; what reading it throws
   */
  window(seek: number, size: number, room?: Float32Array): Promise<Float32Array>;
  /**
   * The first 30 s, padded with real silence, as language detection takes it.
   * @returns [nMels, 3000], row-major
   */
  detectionWindow(): Promise<Float32Array>;
  /** Removes what it keeps on disk, and stops reading the recording. No window is asked for after it. */
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
  const keepBytes = options.keepBytes ?? (options.scratch ? KEEP_BYTES.withScratch : KEEP_BYTES.alone);
  const nKept = Math.floor(keepBytes / (nMels * Float32Array.BYTES_PER_ELEMENT));
  signal?.throwIfAborted();
  const sound = 'read' in audio ? audio : samplesSound(audio);
  const progress = new ReadingProgress(sound, options);
  const pause = pauses();
  const keeper = new FrameKeeper(frames, nKept, options);
  try {
    for await (const piece of sound.read({ signal, onWarning, onProgress: progress.onRead })) {
      frames.push(piece);
      await keeper.add();
      progress.report(frames.nSamples);
      await pause();
      signal?.throwIfAborted();
    }
    frames.finish();
    await keeper.add(true);
  } catch (error) {
    await keeper.close();
    throw error;
  }
  progress.end(frames.nSamples);

  const floor = floorOf(frames.peak);
  const nFrames = Math.floor(frames.nSamples / HOP_LENGTH);
  const nAnalysed = frames.end;
  const kept = keeper.frames(sound);
  const cut = async (seek: number, size: number, room?: Float32Array): Promise<Float32Array> => {
    if (!(seek >= 0 && size >= 0 && size <= N_FRAMES && seek + size <= nFrames + N_FRAMES)) {
      throw new OptionsError(
        'windowRange',
        `Frames ${seek}..${seek + size} are not in a recording of ${nFrames} frames.`,
      );
    }
    // What follows is silence.
    const end = Math.min(seek + size, nAnalysed);
    const isRoom = room?.length === nMels * N_FRAMES;
    const window = isRoom ? room.fill(0) : new Float32Array(nMels * N_FRAMES); // [nMels, N_FRAMES]
    const silence = scaleLog(MIN_LOG, floor);
    for (let m = 0; m < nMels; m++) window.fill(silence, m * N_FRAMES + Math.max(0, end - seek), m * N_FRAMES + size);
    if (seek >= end) return window;
    await kept.use(seek, end, (frame) => {
      for (let i = 0; seek + i < end; i++) {
        const log = frame(seek + i); // [nMels]
        for (let m = 0; m < nMels; m++) window[m * N_FRAMES + i] = scaleLog(log[m]!, floor);
      }
    });
    return window;
  };
  return {
    nMels,
    nFrames,
    window: cut,
    detectionWindow: () => cut(0, N_FRAMES),
    close: () => kept.close(),
  };
}

/** Unclamped frames of a recording, in memory or elsewhere. */
interface KeptFrames {
  /** Hands frames from `begin` up to `end` to `use`, by index. */
  use(begin: number, end: number, use: (frame: (index: number) => Float32Array) => void): Promise<void>;
  close(): Promise<void>;
}

/** Decides where the frames of a recording are kept, while they are made. */
class FrameKeeper {
  readonly #frames: MelFrames;
  readonly #nKept: number;
  readonly #options: LogMelOptions;
  #isLong = false;
  #store: FrameStore | undefined;

  constructor(frames: MelFrames, nKept: number, options: LogMelOptions) {
    this.#frames = frames;
    this.#nKept = nKept;
    this.#options = options;
  }

  /** Takes care of the frames that have come. */
  async add(isEnd = false): Promise<void> {
    const { scratch, nMels } = this.#options;
    if (!this.#isLong && this.#frames.end <= this.#nKept) return;
    try {
      if (!this.#isLong && scratch) this.#store = new FrameStore(await scratch(), nMels);
      this.#isLong = true;
      await this.#store?.take(this.#frames, isEnd);
    } catch {
      // No temporary file, or no room in it: the recording is read again.
      this.#isLong = true;
      await this.close();
    }
    if (!this.#store) this.#frames.forget(this.#frames.end);
  }

  frames(sound: Sound): KeptFrames {
    if (this.#store) return this.#store;
    if (this.#isLong) return new FrameReader(sound, this.#options.nMels, this.#nKept, this.#options.signal);
    return {
      use: async (_begin, _end, use) => use((index) => this.#frames.frame(index)),
      close: async () => {},
    };
  }

  async close(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    await store?.close();
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
