/**
 * What the speech detector (`vad.ts`) measures of each frame: how far its bands are above the noise around them, and how
 * peaked its spectrum is. The recording is read twice in order, since the loud parts of all of it give a lower limit of
 * the noise; once, if its levels fit into 16 MB.
 */
import { yieldToEventLoop } from '../../base/yieldToEventLoop.ts';
import { N_FRAMES } from '../constants.ts';
import { BandExcess, N_BANDS } from './bandExcess.ts';
import type { LogMel } from './logMel.ts';

/** The part of the mel bands in which flatness is measured, about 200 to 4500 Hz: the range of all voices. */
const VOICE_BANDS = [5 / 80, 55 / 80] as const;
/** dB below the loud parts of the recording under which everything is silence, however low the noise is. */
const LOUDNESS_RANGE = 45;
/** Frames whose levels are kept: 35 minutes. */
const MAX_KEPT_FRAMES = (16 << 20) / (N_BANDS * Float32Array.BYTES_PER_ELEMENT);

/** What the detector measures of each frame. */
export interface Activity {
  readonly nFrames: number;
  /** dB above the noise, the mean over the bands; [nFrames]. */
  readonly excess: Float32Array;
  /** dB of the spectrum's mean above its geometric mean; [nFrames]. */
  readonly peakedness: Float32Array;
}

/** With what channels are compared by. */
export interface MeasuredActivity extends Activity {
  /** dB of all bands, on a scale that channels of one recording share; [nFrames]. */
  readonly loudness: Float32Array;
}

type Windows = Pick<LogMel, 'nFrames' | 'window'>;

/**
 * Measures every frame of a recording, and returns to the event loop after every 30 s of it.
 *
 * @throws what reading the windows throws; the signal's reason
 */
export async function measureActivity(
  mel: Windows,
  signal?: AbortSignal,
  maxKept = MAX_KEPT_FRAMES,
): Promise<MeasuredActivity> {
  const { nFrames } = mel;
  const peakedness = new Float32Array(nFrames);
  const loudness = new Float32Array(nFrames);
  const excess = new Float32Array(nFrames);
  const kept = nFrames <= maxKept ? new Float32Array(nFrames * N_BANDS) : undefined; // [nFrames, N_BANDS]
  for await (const { seek, measured } of measureWindows(mel, signal)) {
    loudness.set(measured.loudness, seek);
    peakedness.set(measured.peakedness, seek);
    kept?.set(measured.levels, seek * N_BANDS);
  }
  if (nFrames === 0) return { nFrames, excess, peakedness, loudness };
  const loud = loudness.slice().sort()[Math.floor(0.95 * (nFrames - 1))]!;
  const meter = new BandExcess(excess, loud - LOUDNESS_RANGE);
  if (kept) meter.push(kept);
  else for await (const { measured } of measureWindows(mel, signal)) meter.push(measured.levels);
  return { nFrames, excess, peakedness, loudness };
}

interface MeasuredFrames {
  /** dB of each band; [size, N_BANDS]. */
  readonly levels: Float32Array;
  /** dB of all bands; [size]. */
  readonly loudness: Float32Array;
  readonly peakedness: Float32Array;
}

async function* measureWindows(mel: Windows, signal: AbortSignal | undefined) {
  let window: Float32Array | undefined;
  for (let seek = 0; seek < mel.nFrames; seek += N_FRAMES) {
    if (seek > 0) await yieldToEventLoop();
    signal?.throwIfAborted();
    const size = Math.min(N_FRAMES, mel.nFrames - seek);
    window = await mel.window(seek, size, window);
    yield { seek, measured: measureFrames(window, size) };
  }
}

/** @param window [nMels, N_FRAMES], of which the first `size` frames are measured */
function measureFrames(window: Float32Array, size: number): MeasuredFrames {
  const levels = new Float32Array(size * N_BANDS);
  const loudness = new Float32Array(size);
  const peakedness = new Float32Array(size);
  const nMels = window.length / N_FRAMES;
  const voiceFrom = Math.round(VOICE_BANDS[0] * nMels);
  const voiceTo = Math.round(VOICE_BANDS[1] * nMels);
  for (let i = 0; i < size; i++) {
    let whole = 0;
    let sum = 0;
    let logSum = 0;
    for (let band = 0; band < N_BANDS; band++) {
      const from = Math.round((band * nMels) / N_BANDS);
      const to = Math.round(((band + 1) * nMels) / N_BANDS);
      let power = 0;
      for (let m = from; m < to; m++) {
        // Windows contain (log10 + 4) / 4.
        const log = window[m * N_FRAMES + i]! * 4 - 4;
        const value = Math.exp(log * Math.LN10);
        power += value;
        if (m < voiceFrom || m >= voiceTo) continue;
        sum += value;
        logSum += log;
      }
      whole += power;
      levels[i * N_BANDS + band] = 10 * Math.log10(power / (to - from));
    }
    const n = voiceTo - voiceFrom;
    loudness[i] = 10 * Math.log10(whole / nMels);
    peakedness[i] = 10 * Math.log10(sum / n) - (10 * logSum) / n;
  }
  return { levels, loudness, peakedness };
}
