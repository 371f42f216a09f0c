/**
 * A device that runs the kernels' references: plain loops in f64, one command after the other, on the calling thread.
 * The oracle that real devices are held against, and good enough to run a whole (small) model without any kernel.
 */

import { DeviceError, InternalError, KernelError } from '../../base/errors.ts';
import type { Device, Executable } from '../../engine/device.ts';
import type { DType, HostArray, KernelModule, Reference } from '../../engine/kernel.ts';
import { elementCount, type Tensor } from '../../engine/program.ts';
import { kernels } from '../../kernels/registry.ts';

function hostArray(dtype: DType, shape: readonly number[]): HostArray {
  const n = elementCount(shape);
  return dtype === 'f32' ? new Float32Array(n) : new Uint32Array(n);
}

/** @param modules kernels whose references it runs; all that there are when absent */
export function createReferenceDevice(
  options: { panelWidth?: number; maxTensorBytes?: number; modules?: readonly KernelModule[] } = {},
): Device {
  const memory = new Map<Tensor, HostArray>();
  const references = new Map<string, Reference>((options.modules ?? kernels).map((m) => [m.kernel.name, m.reference]));
  let closed = false;
  let tellLost: (value: { reason: string }) => void = () => {};
  const lost = new Promise<{ reason: string }>((resolve) => {
    tellLost = resolve;
  });
  const arrayOf = (tensor: Tensor): HostArray => {
    const array = memory.get(tensor);
    if (!array) throw new InternalError(`${tensor.name} is not in this device's memory`);
    return array;
  };
  return {
    kind: 'reference',
    description: 'references in f64',
    panelWidth: options.panelWidth ?? 16,
    maxTensorBytes: options.maxTensorBytes ?? 2 ** 31,
    lost,
    allocate(name, dtype, shape, lifetime) {
      const tensor: Tensor = { name, dtype, shape, lifetime };
      memory.set(tensor, hostArray(dtype, shape));
      return tensor;
    },
    free: (tensor) => void memory.delete(tensor),
    write: (target, data, elementOffset = 0) => arrayOf(target).set(data, elementOffset),
    variants: () => ['reference'],
    async prepare(programs) {
      for (const { scratch } of programs)
        for (const tensor of scratch) memory.set(tensor, hostArray(tensor.dtype, tensor.shape));
      return programs.map((program): Executable => ({ program }));
    },
    submit(work, { rows, times = 1, until } = {}) {
      for (let time = 0; time < times; time++) {
        if (until && arrayOf(until)[0] !== 0) return;
        for (const command of work.program.commands) {
          const run = references.get(command.kernel.name);
          if (!run) throw new KernelError('unknown', `there is no kernel ${command.kernel.name} in the registry`);
          const args = Object.fromEntries(Object.entries(command.args).map(([name, t]) => [name, arrayOf(t)]));
          run(args, command.dims, command.params, rows ?? command.dims.rows ?? 0);
        }
      }
    },
    async read(source, begin, end) {
      if (closed) throw new DeviceError('lost', 'the device is closed');
      return arrayOf(source).slice(begin, end);
    },
    async close() {
      closed = true;
      memory.clear();
      tellLost({ reason: 'closed' });
    },
  };
}
