/**
 * Holds one kernel on one device against its reference: one case, one variant.
 *
 * Outputs are filled with NaN before, canary tensors stand around every argument, the kernel runs twice on the dirty
 * memory and must give the same bits, and what is only read must be unchanged.
 */

import { KernelError } from '../base/errors.ts';
import { randomStream, seedOf } from '../base/random.ts';
import type { Device } from '../engine/device.ts';
import type { HostArray, HostArrays, KernelCase, KernelModule } from '../engine/kernel.ts';
import { type Command, command, elementCount, type Program, type Tensor } from '../engine/program.ts';
import { panelCount } from '../kernels/matmul/panels.ts';

export interface KernelCheck {
  /** Largest |error| over its tolerance: at most 1 when right. */
  readonly worst: number;
  /** Sentences; empty when right. */
  readonly failures: readonly string[];
}

/** The command of a case on this device (its panel width), with tensors that are not yet anywhere. */
export interface CaseCommand {
  readonly command: Command;
  readonly liveRows: number;
  readonly title: string;
}

/** A case with panels as wide as the device wants them. */
function adapt(kase: KernelCase, panelWidth: number): KernelCase {
  const n = kase.params?.count ?? kase.dims.n ?? kase.dims.cOut;
  if (kase.dims.panelWidth === undefined || n === undefined) return kase;
  return { ...kase, dims: { ...kase.dims, panelWidth, panels: panelCount(n, panelWidth) } };
}

export function caseTitle(kase: KernelCase): string {
  const sizes = Object.entries({ ...kase.dims, ...kase.params })
    .filter(([name]) => name !== 'panels' && name !== 'panelWidth')
    .map(([name, size]) => `${name} ${size}`);
  if (kase.optional) sizes.push(`with [${kase.optional}]`);
  if (kase.liveRows !== undefined) sizes.push(`live ${kase.liveRows}`);
  return sizes.join(' ') + (kase.note ? ` (${kase.note})` : '');
}

export function allocateCase(
  device: Device,
  { kernel }: KernelModule,
  original: KernelCase,
  variant?: string,
): { command: Command; liveRows: number; kase: KernelCase; canaries: readonly Tensor[] } {
  const kase = adapt(original, device.panelWidth);
  const canaries: Tensor[] = [];
  const canary = (): void => {
    const tensor = device.allocate('canary', 'u32', [64], 'state');
    device.write(tensor, new Uint32Array(64).fill(canaryWord));
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
    args[name] = device.allocate(name, spec.dtype, shape, 'state');
    canary();
  }
  const plain = command(kernel, args, kase.params);
  return {
    command: variant === undefined ? plain : { ...plain, variant },
    liveRows: kase.liveRows ?? kase.dims.rows ?? 0,
    kase,
    canaries,
  };
}

const canaryWord = 0xc0ffee11;

/** What every argument holds before the command runs. */
export function fillCase({ kernel }: KernelModule, kase: KernelCase, args: Command['args'], seedText = ''): HostArrays {
  const arrays: HostArrays = {};
  for (const [name, tensor] of Object.entries(args)) {
    const spec = kernel.args[name]!;
    const n = elementCount(tensor.shape);
    const array: HostArray = spec.dtype === 'f32' ? new Float32Array(n) : new Uint32Array(n);
    const random = randomStream(seedOf(`${kernel.name} ${name} ${seedText}`));
    const fill = kase.fill?.[name];
    if (spec.access === 'write') array.fill(spec.dtype === 'f32' ? Number.NaN : 0xdeadbeef);
    else if (fill) fill(array, kase.dims, random);
    else if (spec.dtype === 'f32') for (let i = 0; i < n; i++) array[i] = 2 * random() - 1;
    arrays[name] = array;
  }
  return arrays;
}

export async function checkKernel(
  device: Device,
  module: KernelModule,
  original: KernelCase,
  variant?: string,
): Promise<KernelCheck> {
  const { command: run, liveRows, kase, canaries } = allocateCase(device, module, original, variant);
  const tensors = [...Object.values(run.args), ...canaries];
  try {
    const before = fillCase(module, kase, run.args, caseTitle(original));
    const expected: HostArrays = Object.fromEntries(Object.entries(before).map(([name, a]) => [name, a.slice()]));
    module.reference(expected, run.dims, run.params, liveRows);
    const program: Program = { name: run.kernel.name, commands: [run], scratch: [] };
    const [ready] = await device.prepare([program]);
    const once = async (): Promise<HostArrays> => {
      for (const [name, tensor] of Object.entries(run.args)) device.write(tensor, before[name]!);
      device.submit(ready!, run.dims.rows === undefined ? {} : { rows: liveRows });
      const result: HostArrays = {};
      for (const [name, tensor] of Object.entries(run.args)) result[name] = await device.read(tensor);
      return result;
    };
    const first = await once();
    const second = await once();
    const failures: string[] = [];
    let worst = 0;
    for (const [name, tensor] of Object.entries(run.args)) {
      const spec = run.kernel.args[name]!;
      const perRow = elementCount(tensor.shape.slice(1));
      const compared = spec.dims[0] === 'rows' ? liveRows * perRow : elementCount(tensor.shape);
      if (spec.access === 'read') {
        if (!sameBits(first[name]!, before[name]!, first[name]!.length))
          failures.push(`${name} is only read, yet changed`);
        continue;
      }
      if (!sameBits(first[name]!, second[name]!, compared)) failures.push(`${name} differs between two runs`);
      const { ratio, failure } = compare(name, first[name]!, expected[name]!, compared, module, run);
      worst = Math.max(worst, ratio);
      if (failure) failures.push(failure);
    }
    for (const [i, tensor] of canaries.entries()) {
      const words = await device.read(tensor);
      if (words.some((w) => w !== canaryWord)) failures.push(`canary ${i} (after argument ${i - 1}) was overwritten`);
    }
    return { worst, failures };
  } finally {
    for (const tensor of tensors) device.free(tensor);
  }
}

function compare(
  name: string,
  actual: HostArray,
  expected: HostArray,
  count: number,
  module: KernelModule,
  run: Command,
): { ratio: number; failure?: string } {
  let largest = 0;
  for (let i = 0; i < count; i++) largest = Math.max(largest, finite(expected[i]!));
  const { absolute, relative } = module.tolerance(run.dims, run.params, name);
  const bound = actual instanceof Float32Array ? absolute + relative * largest : 0;
  let ratio = 0;
  let at = -1;
  for (let i = 0; i < count; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const error = Math.abs(a - e);
    const r = Number.isNaN(error) || bound === 0 ? Number.POSITIVE_INFINITY : error / bound;
    if (r > ratio) {
      ratio = r;
      at = i;
    }
  }
  if (ratio <= 1) return { ratio };
  return {
    ratio,
    failure: `${name}[${at}] is ${actual[at]}, should be ${expected[at]} within ${bound.toExponential(1)}`,
  };
}

/** Masked values (-1e30) do not widen the bound. */
function finite(x: number): number {
  return Math.abs(x) < 1e29 ? Math.abs(x) : 0;
}

function sameBits(a: HostArray, b: HostArray, count: number): boolean {
  const x = new Uint32Array(a.buffer, a.byteOffset, count);
  const y = new Uint32Array(b.buffer, b.byteOffset, count);
  return x.every((word, i) => word === y[i]);
}
