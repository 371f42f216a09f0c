/**
 * What a kernel is: one plain object that names its arguments, says what each device runs, and what it costs.
 *
 * A kernel file holds, in this order: the docstring with the formula; the object (contract, `gpu` variants in WGSL,
 * `cpu` variants that emit WebAssembly); `reference`, plain loops in f64; `cases`, which tests, benchmarks and the
 * kernel command share. The object is not wrapped in a call, so that bundlers drop `reference` and `cases`.
 *
 * Shapes. Every argument lists its dims by name or number; one name stands for one size in all arguments of a command.
 * Sizes are known when a program is recorded and are constants in the generated code, with one exception: a dim named
 * `rows` is a capacity. Each submit says how many rows are live; the grid covers those only, and what a kernel leaves in
 * rows beyond them is undefined.
 *
 * Matrices. Weight matrices W [n, k] (y = x W^T) are stored in panels, see `panels.ts`: `[panels, k, panelWidth]`.
 */
import type { FunctionBuilder } from './wasm/function.ts';

export type DType = 'f32' | 'u32';

export type Dims = Readonly<Record<string, number>>;
export type Params = Readonly<Record<string, number>>;

export interface ArgSpec {
  /** `write`: every element of the live rows is written, whatever was there. `readwrite`: bound once, changed in place. */
  readonly access: 'read' | 'write' | 'readwrite';
  readonly dtype: DType;
  readonly dims: readonly (string | number)[];
  /** May be left out of a command; the variant is then generated without it. */
  readonly optional?: boolean;
}

/** What a variant may look at when its code is generated. */
export interface KernelContext {
  /** Dims of the command; `rows` is the capacity. */
  readonly dims: Dims;
  readonly params: Params;
  /** Is this (optional) argument given? */
  has(arg: string): boolean;
  /** Values chosen for the variant's knobs. */
  readonly knobs: Params;
}

export interface GpuVariant {
  readonly name: string;
  /** WebGPU features without which the variant does not compile; none for the baseline. */
  readonly needs?: readonly GPUFeatureName[];
  readonly when?: (c: KernelContext) => boolean;
  /**
   * The kind of adapter it is made for: preferred there, taken elsewhere only if nothing else fits. Software adapters
   * (lavapipe, SwiftShader) pay for barriers and workgroup memory, hardware wants both.
   */
  readonly suits?: 'hardware' | 'software';
  /** Values to choose from, the default first. */
  readonly knobs?: Readonly<Record<string, readonly number[]>>;
  /**
   * The shader without its bindings: arguments are there as `array<f32>`/`array<u32>` storage variables under their
   * own names, written by `wgsl.ts` (a `vec4` name listed in `vec4` is `array<vec4f>`). Entry point: `main`.
   */
  readonly wgsl: (c: KernelContext) => string;
  /** Arguments bound as `array<vec4f>`/`array<vec4u>`. Their last dim must be a multiple of 4: say so in `when`. */
  readonly vec4?: readonly string[];
  /** Workgroups for `liveRows` rows (0 where the kernel has no `rows`); each at most 65535. */
  readonly groups: (c: KernelContext, liveRows: number) => readonly [number, number, number];
}

export interface CpuVariant {
  readonly name: string;
  readonly when?: (c: KernelContext, caps: CpuCaps) => boolean;
  /** Independent units of work for `liveRows` rows; any split of them over threads gives the same bits. */
  readonly units: (c: KernelContext, liveRows: number) => number;
  /** Bytes of private scratch that each thread needs, 0 when absent. */
  readonly scratchBytes?: (c: KernelContext) => number;
  /**
   * Writes one function into the module. Its parameters, all i32: `begin`, `end` (units), `liveRows`, `scratch` (this
   * thread's, 64-byte aligned), then the byte address of every argument in the contract's order (0 when absent).
   * @returns the function that the device calls
   */
  readonly emit: (w: ModuleBuilderLike, c: KernelContext, caps: CpuCaps) => FunctionBuilder;
}

/** What kernels may assume of the WebAssembly they are emitted for. */
export interface CpuCaps {
  readonly relaxedSimd: boolean;
  /** The engine pairs 128-bit operations into 256-bit ones (V8's re-vectoriser): use wide tiles. */
  readonly revectorize: boolean;
  /** Old TurboFan schedules all loads of a loop body first: small tiles, no unrolling. */
  readonly loadsFirst: boolean;
}

/** The part of `wasm/module.ts` that kernels use; named here so that the contract does not import the assembler's code. */
export type ModuleBuilderLike = import('./wasm/module.ts').ModuleBuilder;

export interface Kernel {
  readonly name: string;
  readonly args: Readonly<Record<string, ArgSpec>>;
  /** Names with defaults. All are numbers and constants in the generated code. */
  readonly params: Params;
  /** What shapes alone cannot say; a sentence when these dims and params do not fit. */
  readonly check?: (dims: Dims, params: Params) => string | undefined;
  readonly cost: (dims: Dims, params: Params) => { readonly flops: number; readonly bytes: number };
  /** Best first. */
  readonly gpu: readonly GpuVariant[];
  readonly cpu: readonly CpuVariant[];
}

export type HostArray = Float32Array | Uint32Array;
export type HostArrays = Record<string, HostArray>;

/** Plain loops in f64 over whole arrays, writing the outputs in place; `liveRows` rows are live. */
export type Reference = (args: HostArrays, dims: Dims, params: Params, liveRows: number) => void;

export interface KernelCase {
  readonly dims: Dims;
  readonly params?: Params;
  /** Optional arguments that are given; all when absent. */
  readonly optional?: readonly string[];
  /** Live rows, when less than `dims.rows`. */
  readonly liveRows?: number;
  /** Fills an input in place of the default (normal numbers, seeded); `random` is uniform in [0, 1). */
  readonly fill?: Readonly<Record<string, (array: HostArray, dims: Dims, random: () => number) => void>>;
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

/** Everything that tests, benchmarks and the kernel command need of a kernel file. */
export interface KernelModule {
  readonly kernel: Kernel;
  readonly reference: Reference;
  readonly cases: readonly KernelCase[];
  readonly tolerance: (dims: Dims, params: Params, arg: string) => Tolerance;
}
