/** Pieces of any format to mono 16 kHz samples, with progress and without blocking the event loop. */
import type { CallOptions } from '../base/progress.ts';
import { pauses } from '../base/yieldToEventLoop.ts';
import type { PcmPiece } from './pcm.ts';
import { MonoResampler } from './resample/resample.ts';

export interface MonoOptions extends Pick<CallOptions, 'signal' | 'onWarning'> {
  /** Called after each piece. */
  readonly onPiece?: () => void;
}

/**
 * @param pieces each used before the next one is asked for
 * @yields mono, 16 kHz, n / 32768, in order; for each piece that gives a sample an array that is valid until the next one is
 *   asked for; shape [nSamples]
 * @throws {AudioError} what reading the pieces throws; `channels`, `sampleRate`; the signal's reason
 */
export async function* monoSamples(
  pieces: AsyncIterable<PcmPiece>,
  { signal, onWarning, onPiece }: MonoOptions = {},
): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined> {
  const { prepareFastMachines } = await import('./resample/wasmMachine.ts');
  const resampler = new MonoResampler(await prepareFastMachines());
  const pause = pauses();
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    resampler.push(piece);
    onPiece?.();
    const samples = resampler.take();
    if (samples.length > 0) yield samples;
    await pause();
  }
  signal?.throwIfAborted();
  const rest = resampler.end();
  if (rest.length > 0) yield rest;
  if (!resampler.nonFinite) return;
  const { seconds, count } = resampler.nonFinite;
  const which = count === 1 ? 'a sample that is' : `${count} samples that are`;
  const message = `The recording has ${which} NaN or infinite, the first at ${seconds.toFixed(3)} s: a click is heard there.`;
  onWarning?.({ code: 'nonFinite', message });
}
