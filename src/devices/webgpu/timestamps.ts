/** How long a program takes on the GPU, by its own clock: timestamps at both ends of a pass. */

/** As in flags.ts: what a page loads with the device is cut in fewer parts if this one shares nothing. */
const usage = { mapRead: 0x0001, copySrc: 0x0004, copyDst: 0x0008, queryResolve: 0x0200 } as const;
const mapModeRead = 0x0001;

const BYTES = 16;

/**
 * @param device with `timestamp-query`
 * @param encode what is to be timed, in one pass
 * @returns nanoseconds; in steps of what the runtime gives away (65 us, and 100 us in pages, where nothing else is asked for)
 */
export async function timedRun(device: GPUDevice, encode: (pass: GPUComputePassEncoder) => void): Promise<number> {
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = device.createBuffer({ size: BYTES, usage: usage.queryResolve | usage.copySrc });
  const staging = device.createBuffer({ size: BYTES, usage: usage.mapRead | usage.copyDst });
  try {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    });
    encode(pass);
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
