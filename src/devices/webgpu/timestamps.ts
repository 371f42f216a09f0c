/** How long a program takes on the GPU, by its own clock: timestamps at both ends of a pass. */
import { encodeDispatch, type GpuExecutable } from './encode.ts';
import { mapModeRead, usage } from './flags.ts';

const BYTES = 16;

/**
 * Runs it `times` times in one pass.
 *
 * @param device with `timestamp-query`
 * @returns nanoseconds; in steps of what the runtime gives away (65 us, and 100 us in pages, where nothing else is asked for)
 */
export async function timedRun(
  device: GPUDevice,
  work: GpuExecutable,
  rows: number | undefined,
  times: number,
): Promise<number> {
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = device.createBuffer({ size: BYTES, usage: usage.queryResolve | usage.copySrc });
  const staging = device.createBuffer({ size: BYTES, usage: usage.mapRead | usage.copyDst });
  try {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    });
    for (let t = 0; t < times; t++) for (const dispatch of work.dispatches(rows)) encodeDispatch(pass, dispatch);
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, BYTES);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(mapModeRead);
    const [begin = 0n, end = 0n] = new BigUint64Array(staging.getMappedRange().slice(0));
    return Number(end - begin);
  } finally {
    querySet.destroy();
    resolved.destroy();
    staging.destroy();
  }
}
