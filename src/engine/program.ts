/**
 * A program: commands as data, recorded once, prepared once for a device, submitted many times.
 *
 *   const step = record('step', (p) => {
 *     const normed = p.scratch('normed', 'f32', [rows, nState]);
 *     p.run(layerNorm, { x, gamma, beta, y: normed });
 *   });
 *
 * Shapes are checked on the line that records, so an error stands where the mistake is.
 */
import { InternalError, KernelError } from '../base/errors.ts';
import { type DType, type Shape, storageBytes } from './dtype.ts';
import { type Kernel, storageTypes } from './kernel.ts';
import type { Dims, Params } from './variant.ts';

/** A named block of device memory. `weights` and `state` tensors belong to a device; `scratch` lives within one submit. */
export interface Tensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly lifetime: 'weights' | 'state' | 'scratch';
}

export interface Command {
  readonly kernel: Kernel;
  readonly args: Readonly<Record<string, Tensor>>;
  readonly dims: Dims;
  readonly params: Params;
  /** Forces a variant by name: for tests, benchmarks and bisecting. A device refuses one that it cannot run. */
  readonly variant?: string;
  /** It runs with all its rows or not at all: no code is made for fewer. */
  readonly allRows?: boolean;
  /**
   * Each of its rows is, to the bit, what it would be in a command of so many rows, where the variant promises that. All of
   * its own rows when absent.
   */
  readonly sumsAs?: number | undefined;
  /** It runs with at most so many live rows: no code is made for more. */
  readonly maxRows?: number;
}

export interface Program {
  readonly name: string;
  readonly commands: readonly Command[];
  readonly scratch: readonly Tensor[];
  /** State tensors whose contents nobody needs when it runs: a device may lay scratch over them. No command names them. */
  readonly borrowed?: readonly Tensor[];
}

type RequiredArgs<K extends Kernel> = {
  [A in keyof K['args'] as K['args'][A] extends { optional: true } ? never : A]: Tensor;
};
type OptionalArgs<K extends Kernel> = {
  [A in keyof K['args'] as K['args'][A] extends { optional: true } ? A : never]?: Tensor | undefined;
};
export type ArgsOf<K extends Kernel> = RequiredArgs<K> & OptionalArgs<K>;

export interface ProgramBuilder {
  scratch(name: string, dtype: DType, shape: Shape): Tensor;
  /** @throws {KernelError} `shape` when arguments do not fit the contract */
  run<K extends Kernel>(kernel: K, args: ArgsOf<K>, params?: Partial<Record<keyof K['params'], number>>): void;
}

/** What is known of every submit, or wanted of it: see `Command`, `Program`. */
export type RecordOptions = Pick<Command, 'allRows' | 'maxRows' | 'sumsAs'> & Pick<Program, 'borrowed'>;

export function record(
  name: string,
  body: (p: ProgramBuilder) => void,
  { borrowed = [], ...rows }: RecordOptions = {},
): Program {
  const commands: Command[] = [];
  const scratch: Tensor[] = [];
  body({
    scratch(tensorName, dtype, shape) {
      const tensor: Tensor = { name: tensorName, dtype, shape, lifetime: 'scratch' };
      scratch.push(tensor);
      return tensor;
    },
    run(kernel, args, params) {
      const made = command(kernel, args as Record<string, Tensor | undefined>, params as Partial<Params> | undefined);
      commands.push({ ...made, ...rows });
    },
  });
  if (commands.some(({ args }) => Object.values(args).some((tensor) => borrowed.includes(tensor))))
    throw new InternalError(`${name} names a tensor that it borrows`);
  return { name, commands, scratch, borrowed };
}

/** Checks arguments against the contract and finds the dims. */
export function command(
  kernel: Kernel,
  args: Readonly<Record<string, Tensor | undefined>>,
  params?: Partial<Params>,
): Command {
  const fail = (what: string): never => {
    throw new KernelError('shape', `${kernel.name}: ${what}`);
  };
  for (const name of Object.keys(args)) if (!(name in kernel.args)) fail(`there is no argument ${name}`);
  for (const name of Object.keys(params ?? {})) if (!(name in kernel.params)) fail(`there is no parameter ${name}`);
  const given: Record<string, Tensor> = {};
  const dims: Record<string, number> = {};
  for (const [name, spec] of Object.entries(kernel.args)) {
    const tensor = args[name];
    if (!tensor) {
      if (!spec.optional) fail(`argument ${name} is missing`);
      continue;
    }
    given[name] = tensor;
    const shape = `[${tensor.shape.join(', ')}]`;
    if (!storageTypes(spec).includes(tensor.dtype))
      fail(`${name} (${tensor.name}) is ${tensor.dtype}, not ${storageTypes(spec).join(' or ')}`);
    if (tensor.shape.length !== spec.dims.length) fail(`${name} (${tensor.name}) is ${shape}, not [${spec.dims}]`);
    spec.dims.forEach((dim, i) => {
      const size = tensor.shape[i]!;
      const known = typeof dim === 'number' ? dim : dims[dim];
      if (known !== undefined && known !== size)
        fail(`${name} (${tensor.name}) is ${shape}: ${dim} is ${known} already`);
      if (typeof dim === 'string') dims[dim] = size;
    });
  }
  const all: Record<string, number> = { ...kernel.params };
  for (const [name, value] of Object.entries(params ?? {})) if (value !== undefined) all[name] = value;
  const wrong = kernel.check?.(dims, all);
  if (wrong) fail(wrong);
  return { kernel, args: given, dims, params: all };
}

export function byteLength(tensor: Tensor): number {
  return storageBytes(tensor.dtype, tensor.shape);
}

/** Bytes of an argument that a command reaches: of a dim `rows` no more than its live rows can be. */
export function bytesInUse({ kernel, args, maxRows }: Command, arg: string): number {
  const tensor = args[arg];
  if (!tensor) throw new InternalError(`${kernel.name} was given no ${arg}`);
  const [rows = 0, ...row] = tensor.shape;
  const areRows = kernel.args[arg]?.dims[0] === 'rows';
  return storageBytes(
    tensor.dtype,
    areRows && maxRows !== undefined ? [Math.min(rows, maxRows), ...row] : tensor.shape,
  );
}

/** How a command uses a tensor. */
export function* uses(c: Command): Generator<{ arg: string; tensor: Tensor; access: 'read' | 'write' | 'readwrite' }> {
  for (const [arg, tensor] of Object.entries(c.args)) {
    const spec = c.kernel.args[arg];
    if (!spec) throw new InternalError(`${c.kernel.name} has no argument ${arg}`);
    yield { arg, tensor, access: spec.access };
  }
}
