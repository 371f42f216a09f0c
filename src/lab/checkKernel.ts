/**
 * Holds one kernel on one device against its reference: one case, one choice of storage types, one variant.
 *
 * Outputs are filled with NaN before, canary tensors stand around every argument, the kernel runs twice on the dirty
 * memory and must give the same bits, and what is only read must be unchanged. Arguments that are stored in fewer bits are
 * rounded before the reference sees them: the error of storage is not the kernel's.
 */
import { KernelError } from '../base/errors.ts';
import { randomStream, seedOf } from '../base/random.ts';
import type { Device } from '../engine/device.ts';
import {
  type DType,
  elementCount,
  type HostArray,
  type StorageArray,
  type StorageType,
  storageType,
} from '../engine/dtype.ts';
import { type HostArrays, type Kernel, type KernelCase, type KernelModule, storageTypes } from '../engine/kernel.ts';
import { type Command, command, type Program, type Tensor } from '../engine/program.ts';
import { crossPanels } from '../kernels/attention/crossCache.ts';
import { panelCount } from '../kernels/matmul/panels.ts';
import { type Comparison, compare } from './compare.ts';

export interface KernelCheck {
  /** Largest |error| over its tolerance: at most 1 when right. */
  readonly worst: number;
  /** Sentences; empty when right. */
  readonly failures: readonly string[];
  /** What is written, each against the reference. */
  readonly outputs: readonly Comparison[];
}

/** Storage types of arguments that may have several; the contract's first where none is named. */
export type StorageChoice = Readonly<Record<string, DType>>;

export interface CaseChoice {
  readonly variant?: string | undefined;
  readonly storage?: StorageChoice | undefined;
}

/**
 * The choices that a kernel is checked with: the first types of all arguments, then for every further type all arguments
 * that may have it.
 */
export function storageChoices({ args }: Kernel): readonly StorageChoice[] {
  const varied = Object.entries(args).filter(([, spec]) => storageTypes(spec).length > 1);
  const further = new Set(varied.flatMap(([, spec]) => storageTypes(spec).slice(1)));
  const choices = [...further].map((dtype) =>
    Object.fromEntries(varied.filter(([, spec]) => storageTypes(spec).includes(dtype)).map(([name]) => [name, dtype])),
  );
  return [{}, ...choices];
}

/** A case with panels as wide as the device wants them. */
function adapt(kase: KernelCase, { panelWidth, crossPanelWidth }: Device): KernelCase {
  const { params, dims } = kase;
  if (dims.keyPanel !== undefined) {
    const panels = crossPanels({ nCtx: dims.nCtx!, nState: dims.nState! }, params?.nHead ?? 1, crossPanelWidth);
    return { ...kase, dims: { ...dims, ...panels } };
  }
  const n = params?.count ?? dims.n ?? dims.cOut;
  if (dims.panelWidth === undefined || n === undefined) return kase;
  return { ...kase, dims: { ...dims, panelWidth, panels: panelCount(n, panelWidth) } };
}

/** Sizes that are the device's choice. */
const ADAPTED = new Set(['panels', 'panelWidth', 'keyPanels', 'keyPanel', 'valuePanels', 'valuePanel']);

export function caseTitle(kase: KernelCase, storage: StorageChoice = {}): string {
  const sizes = Object.entries({ ...kase.dims, ...kase.params })
    .filter(([name]) => !ADAPTED.has(name))
    .map(([name, size]) => `${name} ${size}`);
  if (kase.optional) sizes.push(`with [${kase.optional}]`);
  if (kase.liveRows !== undefined) sizes.push(`live ${kase.liveRows}`);
  for (const [name, dtype] of Object.entries(storage)) sizes.push(`${name} in ${dtype}`);
  return sizes.join(' ') + (kase.note ? ` (${kase.note})` : '');
}

export interface AllocatedCase {
  readonly command: Command;
  readonly liveRows: number;
  /** With the device's panel width. */
  readonly kase: KernelCase;
  readonly canaries: readonly Tensor[];
  free(): void;
}

/** Puts the arguments of a case on a device; they hold zeros. */
export function allocateCase(
  device: Device,
  { kernel }: KernelModule,
  original: KernelCase,
  { variant, storage = {} }: CaseChoice = {},
): AllocatedCase {
  const kase = adapt(original, device);
  const canaries: Tensor[] = [];
  const canary = (): void => {
    const tensor = device.allocate('canary', 'u32', [64], 'state');
    device.write(tensor, new Uint32Array(64).fill(CANARY));
    canaries.push(tensor);
  };
  canary();
  const args: Record<string, Tensor> = {};
  for (const [name, spec] of Object.entries(kernel.args)) {
    if (spec.optional && kase.optional && !kase.optional.includes(name)) continue;
    const shape = spec.dims.map((dim) => {
      const size = typeof dim === 'number' ? dim : kase.dims[dim];
      if (size === undefined) throw new KernelError('shape', `${kernel.name}: a case has no ${dim}`);
      return size;
    });
    const dtype = storage[name] ?? storageTypes(spec)[0];
    if (!dtype) throw new KernelError('shape', `${kernel.name}: ${name} has no storage type`);
    args[name] = device.allocate(name, dtype, shape, 'state');
    canary();
  }
  const plain = command(kernel, args, kase.params);
  return {
    command: variant === undefined ? plain : { ...plain, variant },
    liveRows: kase.liveRows ?? kase.dims.rows ?? 0,
    kase,
    canaries,
    free() {
      for (const tensor of [...Object.values(args), ...canaries]) device.free(tensor);
    },
  };
}

/** Is it made for devices of this kind (`Device.kind`)? Fused kernels are for GPUs alone. Its reference runs everything. */
export function isMadeFor({ variants }: Kernel, deviceKind: string): boolean {
  return deviceKind === 'reference' || variants[deviceKind === 'cpu' ? 'wasm' : deviceKind] !== undefined;
}

/** Names of the variants that a case can run on a device, best first. */
export async function variantsOf(
  device: Device,
  module: KernelModule,
  kase: KernelCase,
  storage: StorageChoice = {},
): Promise<readonly string[]> {
  const { command: run, liveRows, free } = allocateCase(device, module, kase, { storage });
  try {
    return await device.variants(run, run.dims.rows === undefined ? undefined : liveRows);
  } finally {
    free();
  }
}

const CANARY = 0xc0ffee11;

/** The values that every argument holds before the command runs, rounded to what is stored. */
export function fillCase({ kernel }: KernelModule, kase: KernelCase, args: Command['args'], seedText = ''): HostArrays {
  const arrays: HostArrays = {};
  for (const [name, tensor] of Object.entries(args)) {
    const access = kernel.args[name]?.access;
    const n = elementCount(tensor.shape);
    const { values: kind } = storageType(tensor.dtype);
    const array: HostArray = kind === 'real' ? new Float32Array(n) : new Uint32Array(n);
    const random = randomStream(seedOf(`${kernel.name} ${name} ${seedText}`));
    const fill = kase.fill?.[name];
    if (access === 'write') array.fill(kind === 'real' ? Number.NaN : 0xdeadbeef);
    else if (fill) fill(array, kase.dims, random);
    else if (kind === 'real') for (let i = 0; i < n; i++) array[i] = 2 * random() - 1;
    const type: StorageType = storageType(tensor.dtype);
    if (type.scaleBlock !== undefined && array instanceof Float32Array) lean(array, tensor.shape);
    arrays[name] = type.widen(type.narrow(array, tensor.shape), tensor.shape).slice();
  }
  return arrays;
}

/**
 * Moves every other output of weights [panels, k, P] onto a grid that reaches farther down than up, so that as int8 it has a
 * zero (engine/int8.ts); random values have none.
 */
function lean(values: Float32Array, [, k = 1, width = 1]: readonly number[]): void {
  for (let panel = 0; panel < values.length; panel += k * width)
    for (let lane = 1; lane < width; lane += 2) {
      const first = panel + lane;
      const last = first + (k - 1) * width;
      let largest = 0;
      for (let i = first; i <= last; i += width) largest = Math.max(largest, Math.abs(values[i]!));
      const step = largest / 200;
      if (step > 0)
        for (let i = first; i <= last; i += width) values[i] = step * Math.min(50, Math.round(values[i]! / step));
      // The one that makes it so.
      values[first] = -largest;
    }
}

/** The values as the device takes them. */
export function storedCase(values: HostArrays, args: Command['args']): Record<string, StorageArray> {
  const stored = (name: string, { dtype, shape }: Tensor) => storageType(dtype).narrow(values[name]!, shape);
  return Object.fromEntries(Object.entries(args).map(([name, tensor]) => [name, stored(name, tensor)]));
}

export async function checkKernel(
  device: Device,
  module: KernelModule,
  original: KernelCase,
  choice: CaseChoice = {},
): Promise<KernelCheck> {
  const allocated = allocateCase(device, module, original, choice);
  const { command: run, liveRows, kase, canaries } = allocated;
  try {
    const values = fillCase(module, kase, run.args, caseTitle(original));
    const before = storedCase(values, run.args);
    const expected: HostArrays = Object.fromEntries(Object.entries(values).map(([name, a]) => [name, a.slice()]));
    const variant = run.variant ?? (await device.variants(run, run.dims.rows && liveRows))[0] ?? '';
    module.roundInputs?.(expected, variant, run.dims, run.params);
    module.reference(expected, run.dims, run.params, liveRows);
    const program: Program = { name: run.kernel.name, commands: [run], scratch: [] };
    const [ready] = await device.prepare([program]);
    const once = async (): Promise<Record<string, StorageArray>> => {
      for (const [name, tensor] of Object.entries(run.args)) device.write(tensor, before[name]!);
      device.submit(ready!, run.dims.rows === undefined ? {} : { rows: liveRows });
      const result: Record<string, StorageArray> = {};
      for (const [name, tensor] of Object.entries(run.args)) result[name] = await device.read(tensor);
      return result;
    };
    const first = await once();
    const second = await once();
    const failures: string[] = [];
    const outputs: Comparison[] = [];
    let worst = 0;
    for (const [name, tensor] of Object.entries(run.args)) {
      const spec = run.kernel.args[name]!;
      const perRow = elementCount(tensor.shape.slice(1));
      const compared = spec.dims[0] === 'rows' ? liveRows * perRow : elementCount(tensor.shape);
      const [stored, again] = [first[name]!, second[name]!];
      if (spec.access === 'read') {
        if (!sameBits(stored, before[name]!, stored.length)) failures.push(`${name} is only read, yet changed`);
        continue;
      }
      if (!sameBits(stored, again, compared)) failures.push(`${name} differs between two runs`);
      const actual = storageType(tensor.dtype).widen(stored, tensor.shape);
      const tolerance = module.tolerance(run.dims, run.params, name, variant);
      const output = compare(tensor, actual, expected[name]!, compared, tolerance);
      outputs.push(output);
      worst = Math.max(worst, output.ratio);
      if (output.failure) failures.push(output.failure);
    }
    for (const [i, tensor] of canaries.entries()) {
      const words = await device.read(tensor);
      if (words.some((w) => w !== CANARY)) failures.push(`canary ${i} (after argument ${i - 1}) was overwritten`);
    }
    return { worst, failures, outputs };
  } finally {
    allocated.free();
  }
}

/** Are the first `count` stored elements the same? */
function sameBits(a: StorageArray, b: StorageArray, count: number): boolean {
  const bytes = count * a.BYTES_PER_ELEMENT;
  const x = new Uint8Array(a.buffer, a.byteOffset, bytes);
  const y = new Uint8Array(b.buffer, b.byteOffset, bytes);
  return x.every((byte, i) => byte === y[i]);
}
