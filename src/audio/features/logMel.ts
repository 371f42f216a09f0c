/**
 * The log-mel spectrogram as openai/whisper's `transcribe()` computes it: 30 s of silence are appended to the whole
 * recording, one spectrogram is made of all of it, and its floor is 8 (that is 80 dB) below the loudest value of the
 * *whole* recording. So the floor is known only at the end: unclamped log10 values are stored, frame after frame, and a
 * window is clamped when it is cut.
 *
 * @see openai/whisper, whisper/audio.py (`log_mel_spectrogram`, `pad_or_trim`), whisper/transcribe.py (`transcribe`)
 */
import { OptionsError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import { yieldToEventLoop } from '../../base/yieldToEventLoop.ts';
import { HOP_LENGTH, N_FRAMES, SAMPLE_RATE } from '../constants.ts';
import { checkFinite, createMelFrame, floorOf, HALF_FRAME, MIN_LOG, scaleLog } from './melFrame.ts';

export interface LogMelOptions extends CallOptions {
  /** 80 or 128: the model's `dims.nMels`. */
  readonly nMels: number;
}

/** The spectrogram of one recording. Values are about -1..1.5, one frame each 10 ms. */
export interface LogMel {
  readonly nMels: number;
  /** Frames of the recording itself, floor(nSamples / 160), without the silence after it. */
  readonly nFrames: number;
  /**
   * Frames seek .. seek + size - 1, padded to 30 s with the *value* 0.0, as windows are decoded.
   * @returns [nMels, 3000], row-major
   * @throws {OptionsError} `windowRange` if the frames are not those of the recording and its 30 s of silence
   */
  window(seek: number, size: number): Float32Array;
  /**
   * The first 30 s, padded with real silence, as language detection takes it.
   * @returns [nMels, 3000], row-major
   */
  detectionWindow(): Float32Array;
}

/**
 * Log-mel spectrogram of one recording, as Whisper's front end computes it.
 *
 * @param samples mono, 16 kHz, in [-1, 1]; shape [nSamples]; an empty recording has no frames
 * @throws {OptionsError} `nMels` unless it is a positive integer
 * @throws {AudioError} `nonFinite` at the first NaN or infinity, with its time; the signal's reason
 */
export async function logMel(samples: Float32Array, options: LogMelOptions): Promise<LogMel> {
  const { nMels, signal, onProgress } = options;
  const analyse = createMelFrame(nMels);
  signal?.throwIfAborted();
  checkFinite(samples);
  // Frames that overlap a sample: the others are silence and are not stored.
  const nStored = samples.length === 0 ? 0 : Math.ceil((samples.length + HALF_FRAME) / HOP_LENGTH);
  const log = new Float32Array(nStored * nMels); // [nStored, nMels]
  const total = samples.length / SAMPLE_RATE;
  let peak = MIN_LOG;
  for (let frame = 0; frame < nStored; frame++) {
    // Once a window, that is after about 20 ms of work.
    if (frame > 0 && frame % N_FRAMES === 0) {
      onProgress?.({ stage: 'audio', done: (frame * HOP_LENGTH) / SAMPLE_RATE, total, unit: 'seconds' });
      await yieldToEventLoop();
      signal?.throwIfAborted();
    }
    const out = log.subarray(frame * nMels, (frame + 1) * nMels);
    peak = Math.max(peak, analyse(samples, frame * HOP_LENGTH - HALF_FRAME, out));
  }
  onProgress?.({ stage: 'audio', done: total, total, unit: 'seconds' });

  const nFrames = Math.floor(samples.length / HOP_LENGTH);
  const floor = floorOf(peak);
  const cut = (seek: number, size: number): Float32Array => {
    if (!(seek >= 0 && size >= 0 && size <= N_FRAMES && seek + size <= nFrames + N_FRAMES)) {
      throw new OptionsError(
        'windowRange',
        `Frames ${seek}..${seek + size} are not in a recording of ${nFrames} frames.`,
      );
    }
    const window = new Float32Array(nMels * N_FRAMES); // [nMels, N_FRAMES]
    for (let m = 0; m < nMels; m++) {
      const row = m * N_FRAMES;
      for (let i = 0; i < size; i++) {
        const frame = seek + i;
        window[row + i] = scaleLog(frame < nStored ? log[frame * nMels + m]! : MIN_LOG, floor);
      }
    }
    return window;
  };
  return { nMels, nFrames, window: cut, detectionWindow: () => cut(0, N_FRAMES) };
}
