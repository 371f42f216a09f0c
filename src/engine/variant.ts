/** One way to run a kernel on one kind of device; what all kinds have in common. */
import type { DType } from './dtype.ts';

export type Dims = Readonly<Record<string, number>>;
export type Params = Readonly<Record<string, number>>;

/** What a variant may look at when its code is generated. All of it is constant in the code. */
export interface KernelContext<D extends string = string, P extends string = string> {
  /** Sizes by name. `rows` is the largest number of live rows that this code will meet. */
  readonly dims: Readonly<Record<D, number>>;
  readonly params: Readonly<Record<P, number>>;
  /** `Command.sumsAs`; rows of the command's tensors where that says nothing. 0 without a dim `rows`. */
  readonly sumsAs: number;
  /** Is this (optional) argument given? */
  has(arg: string): boolean;
  /** Storage type of a given argument. */
  dtype(arg: string): DType;
}

/** Live rows that a variant is made for; both ends belong to it. */
export interface RowRange {
  readonly min?: number;
  readonly max?: number;
}

export interface Variant {
  readonly name: string;
  /**
   * Storage types it takes of arguments that may have several, by argument. Of those that are not named it takes the first
   * that the contract lists.
   */
  readonly takes?: Readonly<Record<string, readonly DType[]>>;
  /** Any number of live rows when absent. */
  readonly rows?: RowRange;
  /** Does it fit these sizes? */
  when?(c: KernelContext): boolean;
}
