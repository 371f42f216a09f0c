/**
 * The log-mel spectrogram as openai/whisper's `transcribe()` computes it: 30 s of silence are appended to the whole
 * recording, one spectrogram is made of all of it, and its floor is 8 (that is 80 dB) below the loudest value of the
 * *whole* recording. So the floor is known only at the end: what is kept are unclamped log10 values, frame after
 * frame, and a window applies the clamp when it is cut.
 *
 * @see openai/whisper, whisper/audio.py (`log_mel_spectrogram`, `pad_or_trim`), whisper/transcribe.py (`transcribe`)
 */
import { AudioError, OptionsError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import { HOP_LENGTH, N_FRAMES, SAMPLE_RATE } from '../constants.ts';
import { createMelFrame, floorLog, halfFrame } from './melFrame.ts';

export interface LogMelOptions extends CallOptions {
  /** 80 or 128: the model's `dims.nMels`. */
  readonly nMels: number;
}

/** The spectrogram of one recording. Values are about -1..1.5, one frame each 10 ms. */
export interface LogMel {
  readonly nMels: number;
  /** Frames of the recording itself, floor(nSamples / 160), without the silence behind it. */
  readonly nFrames: number;
  /**
   * Frames seek .. seek + size - 1, padded to 30 s with the *value* 0.0, as windows are decoded.
   * @returns [nMels, 3000], row-major
   * @throws {OptionsError} `windowRange` if the frames are not those of the recording and its 30 s of silence
   */
  window(seek: number, size: number): Float32Array;
  /**
   * The first 30 s, real silence behind the sound included, as language detection sees it.
   * @returns [nMels, 3000], row-major
   */
  detectionWindow(): Float32Array;
}

/**
 * Log-mel spectrogram of one recording, as Whisper's front end computes it.
 *
 * @param samples mono, 16 kHz, in [-1, 1]; shape [nSamples]; none at all is a recording of no frames
 * @throws {AudioError} `nonFinite` at the first NaN or infinity, with its time
 */
export async function logMel(samples: Float32Array, options: LogMelOptions): Promise<LogMel> {
  const { nMels, signal, onProgress } = options;
  if (!Number.isInteger(nMels) || nMels < 1)
    throw new OptionsError('nMels', `nMels is ${nMels}, not a count of mel bins.`);
  signal?.throwIfAborted();
  checkFinite(samples);
  const analyse = createMelFrame(nMels);
  // Frames that see a sample: the others are silence, of which nothing is stored.
  const nSounding = samples.length === 0 ? 0 : Math.ceil((samples.length + halfFrame) / HOP_LENGTH);
  const log = new Float32Array(nSounding * nMels); // [nSounding, nMels]
  const total = samples.length / SAMPLE_RATE;
  let peak = floorLog;
  for (let frame = 0; frame < nSounding; frame++) {
    // Back to the event loop after each window's frames, about 20 ms of work.
    if (frame > 0 && frame % N_FRAMES === 0) {
      onProgress?.({ stage: 'audio', done: (frame * HOP_LENGTH) / SAMPLE_RATE, total, unit: 'seconds' });
      await new Promise((resolve) => setTimeout(resolve, 0));
      signal?.throwIfAborted();
    }
    const out = log.subarray(frame * nMels, (frame + 1) * nMels);
    peak = Math.max(peak, analyse(samples, frame * HOP_LENGTH - halfFrame, out));
  }
  onProgress?.({ stage: 'audio', done: total, total, unit: 'seconds' });

  const nFrames = Math.floor(samples.length / HOP_LENGTH);
  const lowest = Math.fround(peak - 8);
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
        const value = frame < nSounding ? log[frame * nMels + m]! : floorLog;
        window[row + i] = Math.fround(Math.max(value, lowest) + 4) / 4;
      }
    }
    return window;
  };
  return { nMels, nFrames, window: cut, detectionWindow: () => cut(0, N_FRAMES) };
}

function checkFinite(samples: Float32Array): void {
  for (let i = 0; i < samples.length; i++) {
    if (Number.isFinite(samples[i])) continue;
    const seconds = (i / SAMPLE_RATE).toFixed(3);
    throw new AudioError('nonFinite', `Sample ${i} of ${samples.length}, at ${seconds} s, is ${samples[i]}.`, {
      hint: 'Samples are numbers in [-1, 1]: look at what made them.',
    });
  }
}
