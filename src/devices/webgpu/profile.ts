/**
 * How long each command of a program takes on the GPU.
 *
 * With `timestamp-query` each command runs in a pass of its own, so the drain between passes is in the figure, and
 * browsers round to 0.1 ms: repeat small commands many times. Without it each command is submitted alone and the wall
 * clock is read once the queue is done.
 */
import type { GpuExecutable } from './encode.ts';
import { mapModeRead, usage } from './flags.ts';

export interface CommandTime {
  readonly kernel: string;
  readonly variant: string;
  /** Seconds of one run, mean over the repetitions. */
  readonly seconds: number;
}

export interface ProfileOptions {
  /** Live rows; all when absent. */
  readonly rows?: number;
  /** Runs of each command in its pass (1 when absent). */
  readonly times?: number;
}

export async function profileProgram(
  device: GPUDevice,
  work: GpuExecutable,
  options: ProfileOptions = {},
): Promise<readonly CommandTime[]> {
  const times = options.times ?? 1;
  const grids = work.gridsFor(options.rows);
  const seconds = device.features.has('timestamp-query')
    ? await byTimestamps(device, work, grids, times)
    : await byWallClock(device, work, grids, times);
  return work.steps.map((step, i) => ({
    kernel: step.command.kernel.name,
    variant: step.variant.name,
    seconds: seconds[i]! / times,
  }));
}

type Grids = ReturnType<GpuExecutable['gridsFor']>;

function encodeStep(pass: GPUComputePassEncoder, work: GpuExecutable, grids: Grids, i: number, times: number): void {
  const step = work.steps[i]!;
  pass.setPipeline(step.pipeline);
  pass.setBindGroup(0, step.bindings);
  for (let t = 0; t < times; t++) pass.dispatchWorkgroups(...grids[i]!);
}

async function byTimestamps(device: GPUDevice, work: GpuExecutable, grids: Grids, times: number): Promise<number[]> {
  const count = work.steps.length;
  const bytes = count * 16;
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 * count });
  const resolved = device.createBuffer({ size: bytes, usage: usage.queryResolve | usage.copySrc });
  const staging = device.createBuffer({ size: bytes, usage: usage.mapRead | usage.copyDst });
  try {
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < count; i++) {
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 },
      });
      encodeStep(pass, work, grids, i, times);
      pass.end();
    }
    encoder.resolveQuerySet(querySet, 0, 2 * count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(mapModeRead);
    const stamps = new BigUint64Array(staging.getMappedRange());
    return Array.from({ length: count }, (_, i) => Number(stamps[2 * i + 1]! - stamps[2 * i]!) * 1e-9);
  } finally {
    querySet.destroy();
    resolved.destroy();
    staging.destroy();
  }
}

async function byWallClock(device: GPUDevice, work: GpuExecutable, grids: Grids, times: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let i = 0; i < work.steps.length; i++) {
    await device.queue.onSubmittedWorkDone();
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encodeStep(pass, work, grids, i, times);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
}
