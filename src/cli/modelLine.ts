/** The line that says which model runs where. */
import type { Whisper } from '../whisper.ts';

/** e.g. `tiny on cpu: 2 threads, 151 MB of weights` */
export function modelLine(model: string, { device, weightBytes }: Pick<Whisper, 'device' | 'weightBytes'>): string {
  return `${model} on ${device.kind}: ${device.description}, ${megabytes(weightBytes)} of weights`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
