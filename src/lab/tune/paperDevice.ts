/** A device that computes nothing and notes the programs that it is given: what a model would run, without weights. */
import { type Device, type Executable, storedLength } from '../../engine/device.ts';
import { type DType, type Shape, storageType } from '../../engine/dtype.ts';
import type { Program, Tensor } from '../../engine/program.ts';

export interface PaperDevice extends Device {
  /** All that were prepared, in order. */
  readonly programs: readonly Program[];
}

/** @param like whose programs are wanted: it wants panels of a width, and steps of a kind */
export function paperDevice(like: Device): PaperDevice {
  const programs: Program[] = [];
  const { kind, description, panelWidth, crossPanelWidth, wantsFusedSteps = false, maxTensorBytes } = like;
  return {
    kind,
    description,
    panelWidth,
    crossPanelWidth,
    wantsFusedSteps,
    maxTensorBytes,
    bytesHeld: 0,
    programs,
    allocate: (name: string, dtype: DType, shape: Shape, lifetime): Tensor => ({ name, dtype, shape, lifetime }),
    free() {},
    write() {},
    variants: async () => [],
    async prepare(given): Promise<readonly Executable[]> {
      programs.push(...given);
      return given.map((program) => ({ program }));
    },
    submit() {},
    async read(source, begin = 0, end = storedLength(source)) {
      const { elementBytes, view } = storageType(source.dtype);
      return view(new ArrayBuffer(elementBytes * (end - begin)), 0, end - begin);
    },
    lost: new Promise(() => {}),
    async close() {},
  };
}
