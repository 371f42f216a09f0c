/** What wasmMachine.ts and the arithmetic of a sample format know of one another. */
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import type { ResampleFilter } from './filter.ts';
import type { Samples } from './filterMachine.ts';

/** Words at the start of the memory: the filter's sizes, what it needs next, what came of a call. */
export const WORDS = [
  'nTaps',
  'blocks',
  'nPhases',
  'wholeStep',
  'step',
  'stepMod',
  'denominator',
  'samplesAt',
  'outAt',
  'phase',
  'fraction',
  'taken',
] as const;
export type Word = (typeof WORDS)[number];
/** The first filter's coefficients begin here. */
export const STATE_BYTES = 64;

/** Where a filter's samples and coefficients begin, how long it is, and where its result goes. */
export interface Place {
  readonly x: Local<'i32'>;
  readonly row: Local<'i32'>;
  readonly rowBytes: Local<'i32'>;
  /** Of eight taps. */
  readonly blocks: Local<'i32'>;
  /** Of the way to the next filter, over `denominator`; both 0 where the ratio is exact. */
  readonly fraction: Local<'i32'>;
  readonly denominator: Local<'i32'>;
  readonly to: Local<'i32'>;
}

export interface WasmArithmetic<S extends Samples> {
  readonly elementBytes: 2 | 4;
  readonly view: (buffer: ArrayBuffer, byteOffset: number, length: number) => S;
  readonly given: (length: number) => S;
  readonly bank: (filter: ResampleFilter) => S;
  /** Emits one filter's result. */
  readonly emit: (f: FunctionBuilder, place: Place) => void;
  /** Emits several results at a time, as far as there are as many, of filters that read the same. */
  readonly emitGroups?: (f: FunctionBuilder, loop: Loop) => void;
}

/** Where all results stand. */
export interface Loop {
  readonly state: Readonly<Record<Word, Local<'i32'>>>;
  readonly rowBytes: Local<'i32'>;
  /** The sample that the next filter begins at, the last that one may begin at, and where the result goes. */
  readonly at: Local<'i32'>;
  readonly last: Local<'i32'>;
  readonly to: Local<'i32'>;
}
