/** A source of any format to mono 16 kHz samples, with progress, a look at the signal, and room for the event loop. */
import type { CallOptions } from '../base/progress.ts';
import type { PcmSource, SampleFormat } from './pcm.ts';
import { MonoResampler } from './resample/resample.ts';

/** How long the event loop may wait; a pause itself takes a browser some 4 ms. */
const pauseEveryMs = 40;

export interface DrainOptions extends CallOptions {
  /** Bytes of the recording, for the progress. */
  readonly nBytes?: number;
  readonly fileName?: string | undefined;
}

/** @returns mono, 16 kHz, n / 32768; shape [nSamples] */
export async function drain<F extends SampleFormat>(
  source: PcmSource<F>,
  { signal, onProgress, nBytes = 0, fileName }: DrainOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  const resampler = new MonoResampler(source.format);
  const item = fileName === undefined ? {} : { item: fileName };
  let lastPause = performance.now();
  for await (const { planes, done } of source.pieces()) {
    signal?.throwIfAborted();
    resampler.push(planes);
    onProgress?.({ stage: 'audio', done: Math.round(done * nBytes), total: nBytes, unit: 'bytes', ...item });
    if (performance.now() - lastPause < pauseEveryMs) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    lastPause = performance.now();
  }
  signal?.throwIfAborted();
  return resampler.end();
}
