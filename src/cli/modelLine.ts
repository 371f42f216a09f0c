/** The line that says which model runs where. */
import type { Whisper } from '../whisper.ts';

/** e.g. `tiny on cpu: 2 threads, 151 MB of weights, as its file has them` */
export function modelLine(
  model: string,
  { device, storage, weightBytes }: Pick<Whisper, 'device' | 'storage' | 'weightBytes'>,
): string {
  const { dtype, cacheDtype, reason } = storage;
  const how = dtype === undefined ? ', as its file has them' : ` in ${dtype}`;
  const why = reason === undefined ? '' : `, caches in ${cacheDtype} (${reason})`;
  return `${model} on ${device.kind}: ${device.description}, ${megabytes(weightBytes)} of weights${how}${why}`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
