/** A recording as the samples that the model takes, and its outline, drawn while they are read for the first time. */
import { AudioError, blobBytes, type CallOptions, decodeAudio, type Sound } from 'sotto/core';
import { PeaksBuilder } from '../editor/peaks.ts';
import type { Peaks } from '../transcriptDocument.ts';

/** Hz, of samples for the model. */
export const SAMPLE_RATE = 16_000;
/** Share of a recording after which its outline is told again. */
const STEP = 0.1;

/**
 * Decoded anew for each reading, by sotto, or by the browser where sotto cannot.
 *
 * @param name    for messages
 * @param onPeaks told the peaks of what was read, now and then, and those of all; what is not read yet is silent in them
 */
export function recordingSound(recording: Blob, name: string, onPeaks: (peaks: Peaks) => void): Sound {
  const source = blobBytes(recording, name);
  let unsupported: AudioError | undefined;
  let isOutlined = false;

  async function* decode(options: CallOptions): AsyncGenerator<Float32Array, void, undefined> {
    if (!unsupported) {
      let isBegun = false;
      try {
        for await (const samples of decodeAudio(source, options)) {
          isBegun = true;
          yield samples;
        }
        return;
      } catch (error) {
        if (isBegun || !(error instanceof AudioError) || error.code !== 'unsupported') throw error;
        unsupported = error;
      }
    }
    const { browserSamples } = await import('./browserDecoder.ts');
    yield* browserSamples(recording, name, unsupported, options);
  }

  async function* outline(options: CallOptions): AsyncGenerator<Float32Array, void, undefined> {
    const builder = new PeaksBuilder(SAMPLE_RATE);
    let share = 0;
    let told = 0;
    const onProgress: CallOptions['onProgress'] = (progress) => {
      if (progress.total > 0) share = Math.min(1, progress.done / progress.total);
      options.onProgress?.(progress);
    };
    for await (const samples of decode({ ...options, onProgress })) {
      builder.push(samples);
      if (share >= told + STEP) {
        told = share;
        onPeaks(inWhole(builder.peaks(), share));
      }
      yield samples;
    }
    isOutlined = true;
    onPeaks(builder.peaks());
  }

  return { read: (options = {}) => (isOutlined ? decode(options) : outline(options)) };
}

/** @param share of the recording that the peaks are of: at least `STEP` */
function inWhole({ values, duration }: Peaks, share: number): Peaks {
  const whole = new Float32Array(Math.ceil(values.length / share));
  whole.set(values);
  return { values: whole, duration: duration / share };
}
