/**
 * A device that runs the kernels' references: plain loops in f64, one command after the other, on the calling thread.
 * The oracle that real devices are held against, and good enough to run a whole (small) model without any kernel.
 *
 * Its memory holds values, not stored elements: what a tensor's storage type cannot hold is rounded when it is written, by
 * the host or by a command. So it computes on the very weights that a real device has.
 */
import { DeviceError, InternalError, KernelError } from '../../base/errors.ts';
import { type Device, type Executable, storedLength } from '../../engine/device.ts';
import { type HostArray, type StorageType, storageBytes, storageType } from '../../engine/dtype.ts';
import type { KernelModule } from '../../engine/kernel.ts';
import { type Tensor, uses } from '../../engine/program.ts';
import { kernels } from '../../kernels/registry.ts';

/** @param options.modules kernels whose references it runs; all that there are when absent */
export function createReferenceDevice(
  options: {
    panelWidth?: number;
    crossPanelWidth?: number;
    maxTensorBytes?: number;
    fusedSteps?: boolean;
    packsPanels?: boolean;
    modules?: readonly KernelModule[];
  } = {},
): Device {
  const memory = new Map<Tensor, HostArray>();
  /** What was written of tensors with scales. */
  const scaled = new Map<Tensor, Int8Array>();
  const references = new Map<string, KernelModule['reference']>(
    (options.modules ?? kernels).map((m) => [m.kernel.name, m.reference]),
  );
  let closed = false;
  let reportLost: (value: { reason: string }) => void = () => {};
  const lost = new Promise<{ reason: string }>((resolve) => {
    reportLost = resolve;
  });
  const valuesOf = (tensor: Tensor): HostArray => {
    const array = memory.get(tensor);
    if (!array) throw new InternalError(`${tensor.name} is not in this device's memory`);
    return array;
  };
  return {
    kind: 'reference',
    description: 'references in f64',
    panelWidth: options.panelWidth ?? 16,
    crossPanelWidth: options.crossPanelWidth ?? 16,
    maxTensorBytes: options.maxTensorBytes ?? 2 ** 31,
    wantsFusedSteps: options.fusedSteps ?? false,
    packsPanels: options.packsPanels ?? false,
    lost,
    get bytesHeld() {
      return [...memory.keys()].reduce((sum, { dtype, shape }) => sum + storageBytes(dtype, shape), 0);
    },
    allocate(name, dtype, shape, lifetime) {
      const tensor: Tensor = { name, dtype, shape, lifetime };
      memory.set(tensor, zeros(tensor));
      return tensor;
    },
    free(tensor) {
      memory.delete(tensor);
      scaled.delete(tensor);
    },
    write(target, data, elementOffset = 0) {
      const type: StorageType = storageType(target.dtype);
      if (type.scaleBlock === undefined) {
        valuesOf(target).set(type.widen(data, target.shape), elementOffset);
        return;
      }
      // Elements and scales may come one after the other.
      const bytes = scaled.get(target) ?? new Int8Array(storageBytes(target.dtype, target.shape));
      scaled.set(target, bytes);
      bytes.set(data, elementOffset);
      valuesOf(target).set(type.widen(bytes, target.shape));
    },
    variants: async () => ['reference'],
    async prepare(programs) {
      for (const { scratch } of programs) for (const tensor of scratch) memory.set(tensor, zeros(tensor));
      return programs.map((program): Executable => ({ program }));
    },
    submit(work, { rows, times = 1, until } = {}) {
      for (let time = 0; time < times; time++) {
        if (until && valuesOf(until)[0] !== 0) return;
        for (const command of work.program.commands) {
          const run = references.get(command.kernel.name);
          if (!run) throw new KernelError('unknown', `there is no kernel ${command.kernel.name} in the registry`);
          const args = Object.fromEntries(Object.entries(command.args).map(([name, t]) => [name, valuesOf(t)]));
          run(args, command.dims, command.params, rows ?? command.dims.rows ?? 0);
          for (const { tensor, access } of uses(command)) if (access !== 'read') round(tensor, valuesOf(tensor));
        }
      }
    },
    async read(source, begin = 0, end = storedLength(source)) {
      if (closed) throw new DeviceError('lost', 'the device is closed');
      return storageType(source.dtype).narrow(valuesOf(source), source.shape).slice(begin, end);
    },
    async close() {
      closed = true;
      memory.clear();
      scaled.clear();
      reportLost({ reason: 'closed' });
    },
  };
}

function zeros(tensor: Tensor): HostArray {
  const type = storageType(tensor.dtype);
  const bytes = storageBytes(tensor.dtype, tensor.shape);
  return type.widen(type.view(new ArrayBuffer(bytes), 0, bytes / type.elementBytes), tensor.shape);
}

/** To what the storage type holds. */
function round({ dtype, shape }: Tensor, values: HostArray): void {
  if (dtype === 'f32' || dtype === 'u32') return;
  const type: StorageType = storageType(dtype);
  values.set(type.widen(type.narrow(values, shape), shape));
}
