/** A source of any format to mono 16 kHz samples, with progress and without blocking the event loop. */
import type { CallOptions } from '../base/progress.ts';
import { yieldToEventLoop } from '../base/yieldToEventLoop.ts';
import type { PcmSource, SampleFormat } from './pcm.ts';
import { MonoResampler } from './resample/resample.ts';

/** How long the event loop may be blocked. */
const PAUSE_EVERY_MS = 40;

export interface ReadMonoOptions extends CallOptions {
  /** Bytes of the recording, for the progress. */
  readonly nBytes?: number;
  readonly fileName?: string | undefined;
}

/**
 * Reads a source to its end.
 *
 * @returns mono, 16 kHz, n / 32768; shape [nSamples]
 * @throws {AudioError} what reading the source throws; `channels`, `sampleRate`, `nonFinite`; the signal's reason
 */
export async function readMonoSamples<F extends SampleFormat>(
  source: PcmSource<F>,
  { signal, onProgress, nBytes = 0, fileName }: ReadMonoOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  const resampler = new MonoResampler(source.format);
  const item = fileName === undefined ? {} : { item: fileName };
  let lastPause = performance.now();
  for await (const { channels, done } of source.pieces()) {
    signal?.throwIfAborted();
    resampler.push(channels);
    onProgress?.({ stage: 'audio', done: Math.round(done * nBytes), total: nBytes, unit: 'bytes', ...item });
    if (performance.now() - lastPause < PAUSE_EVERY_MS) continue;
    await yieldToEventLoop();
    lastPause = performance.now();
  }
  signal?.throwIfAborted();
  return resampler.end();
}
