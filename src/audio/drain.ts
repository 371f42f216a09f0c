/** A source of any format to mono 16 kHz samples, with progress, a look at the signal, and room for the event loop. */
import type { CallOptions } from '../progress.js';
import type { PcmSource, SampleFormat } from './pcm.js';
import { MonoResampler } from './resample.js';

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
  for await (const { planes, done } of source.pieces()) {
    signal?.throwIfAborted();
    resampler.push(planes);
    onProgress?.({ stage: 'audio', done: Math.round(done * nBytes), total: nBytes, unit: 'bytes', ...item });
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  signal?.throwIfAborted();
  return resampler.end();
}
