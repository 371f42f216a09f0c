/**
 * What a kernel is: one plain object that names its arguments, says what each device runs, and what it costs.
 *
 * A kernel X is a few files of its family's folder: `X.ts` holds the docstring with the formula, the object, `reference`
 * (plain loops in f64) and `cases`, which tests, benchmarks and the kernel command share; `X.wgsl.ts` and `X.wasm.ts` hold
 * the variants of the devices. `reference` and `cases` are no part of the object, so that bundlers drop them from a page.
 *
 * Shapes. Every argument lists its dims by name or number; one name stands for one size in all arguments of a command.
 * Sizes are known when a program is recorded and are constants in the generated code, with one exception: a dim named
 * `rows` is a capacity. Each submit says how many rows are live; the grid covers those only, and what a kernel leaves in
 * rows after them is undefined.
 *
 * Matrices. Weight matrices W [n, k] (y = x W^T) are stored in panels, see kernels/matmul/panels.ts: [panels, k, panelWidth].
 */
import type { DType, HostArray } from './dtype.ts';
import type { Dims, Params, Variant } from './variant.ts';
import type { WasmVariant } from './wasm/variant.ts';
import type { WgslVariant } from './wgsl/variant.ts';

export interface ArgSpec {
  /** `write`: every element of the live rows is written, whatever was there. `readwrite`: bound once, changed in place. */
  readonly access: 'read' | 'write' | 'readwrite';
  /** The storage type, or those it may have; a variant says which of several it takes. */
  readonly dtype: DType | readonly DType[];
  readonly dims: readonly (string | number)[];
  /** May be left out of a command; the variant is then generated without it. */
  readonly optional?: boolean;
}

export type Args = Readonly<Record<string, ArgSpec>>;

/** Names of the dims of some arguments. */
export type DimNames<A extends Args> = Extract<A[keyof A]['dims'][number], string>;
export type DimsOf<A extends Args> = Readonly<Record<DimNames<A>, number>>;
export type ParamsOf<P extends Params> = Readonly<Record<keyof P & string, number>>;

/** A use of a kernel, as far as it says which of its variants may be wanted. */
export interface KernelUse {
  readonly params: Params;
  readonly args: Readonly<Record<string, { readonly dtype: DType } | undefined>>;
}

/**
 * Variants, best first, or what loads them: a device asks for those that it runs, so that no page has both. `uses`: what they
 * are asked for; those that run none of them may be left out.
 */
export type VariantSource<V extends Variant> =
  | readonly V[]
  | ((uses: readonly KernelUse[], has: HasFeature) => Promise<readonly V[]>);

/** Has the device an optional feature of this name? Variants that need one that it lacks may be left out. */
export type HasFeature = (feature: string) => boolean;

/**
 * The variants by the device's key. WebGPU's and WebAssembly's are typed here; another device brings a key, and a type
 * beside those (engine/wasm/variant.ts, engine/wgsl/variant.ts).
 */
export interface Variants {
  readonly webgpu?: VariantSource<WgslVariant>;
  readonly wasm?: VariantSource<WasmVariant>;
  readonly [device: string]: VariantSource<Variant> | undefined;
}

export interface Cost {
  readonly flops: number;
  readonly bytes: number;
}

export interface Kernel<A extends Args = Args, P extends Params = Params> {
  readonly name: string;
  readonly args: A;
  /** Names with defaults. All are numbers and constants in the generated code. */
  readonly params: P;
  /** What shapes alone cannot say; a sentence when these dims and params do not fit. */
  check?(dims: DimsOf<A>, params: ParamsOf<P>): string | undefined;
  /** With all real arguments stored in f32. */
  cost(dims: DimsOf<A>, params: ParamsOf<P>): Cost;
  readonly variants: Variants;
}

/** The kernel as it is: types dims and params by the arguments' names. */
export function defineKernel<const A extends Args, const P extends Params>(kernel: Kernel<A, P>): Kernel<A, P> {
  return kernel;
}

/** The storage types that an argument may have; the first counts where nobody chooses. */
export function storageTypes({ dtype }: ArgSpec): readonly DType[] {
  return typeof dtype === 'string' ? [dtype] : dtype;
}

export type HostArrays = Record<string, HostArray>;

/** Given arguments of a kernel as arrays of values. */
export type HostArgs<A extends Args> = {
  readonly [K in keyof A]: A[K] extends { optional: true } ? HostArray | undefined : HostArray;
};

/** Plain loops in f64 over whole arrays, writing the outputs in place; `liveRows` rows are live. */
export type Reference<K extends Kernel> = (
  args: HostArgs<K['args']>,
  dims: DimsOf<K['args']>,
  params: ParamsOf<K['params']>,
  liveRows: number,
) => void;

/** Fills an input of a case; `random` is uniform in [0, 1). */
export type Fill = (array: HostArray, dims: Dims, random: () => number) => void;

export interface KernelCase {
  readonly dims: Dims;
  readonly params?: Params;
  /** Optional arguments that are given; all when absent. */
  readonly optional?: readonly string[];
  /** Live rows, when less than `dims.rows`. */
  readonly liveRows?: number;
  /** In place of the default (uniform in [-1, 1), seeded). */
  readonly fill?: Readonly<Record<string, Fill>>;
  /** Largest size of a model: benchmarked; also tested unless the reference would take seconds. */
  readonly bench?: boolean;
  /** Too slow for the reference or a software GPU: benchmarked only. */
  readonly benchOnly?: boolean;
  readonly note?: string;
}

/** How far an output may be from the reference; derived from dtype and length, not from what happened to pass. */
export interface Tolerance {
  readonly absolute: number;
  /** Relative to the largest |reference| of the argument. */
  readonly relative: number;
}

/** Everything that tests, benchmarks and the kernel command need of a kernel. */
export interface KernelModule {
  readonly kernel: Kernel;
  reference(args: Readonly<Record<string, HostArray | undefined>>, dims: Dims, params: Params, liveRows: number): void;
  readonly cases: readonly KernelCase[];
  /** Rounds inputs in place as a variant does before it computes: the reference is given the same. */
  roundInputs?(args: HostArrays, variant: string, dims: Dims, params: Params): void;
  /** @param variant the name of the one that ran */
  tolerance(dims: Dims, params: Params, arg: string, variant: string): Tolerance;
}
