/** A device in a line: what it is, and what it was measured to do at most. */
import type { Device } from '../engine/device.ts';
import type { Peaks } from '../lab/peaks.ts';

export function deviceLine(device: Device & { readonly isSoftware?: boolean }, peaks?: Peaks): string {
  const software = device.isSoftware ? '  (software: a CPU that plays a GPU, whose times say nothing about GPUs)' : '';
  const measured = peaks ? `  (peaks: ${peaks.gflops.toFixed(0)} GFLOP/s, ${peaks.gigabytes.toFixed(1)} GB/s)` : '';
  return `${device.description}${measured}${software}`;
}
