/** The range decoder (opusRange.ts) within a function of WebAssembly: it goes on where that one stands, and gives back its state. */
import { type Local, select } from '../../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../../engine/wasm/function.ts';
import { type I32, i32 } from '../../../engine/wasm/scalar.ts';
import { MIN_RANGE } from './opusRange.ts';

/** Addresses. */
interface RangePlaces {
  /** `OpusRange.state`. */
  readonly range: number;
  readonly bytes: number;
  /** Of a byte that is 0. */
  readonly zero: number;
}

export class EmittedRange {
  readonly #f: FunctionBuilder;
  readonly #places: RangePlaces;
  readonly #range: Local<'i32'>;
  readonly #value: Local<'i32'>;
  /** Of the next byte. */
  readonly #at: Local<'i32'>;
  readonly #end: Local<'i32'>;

  /** Emits the load of the state. @param nBytes of the frame */
  constructor(f: FunctionBuilder, places: RangePlaces, nBytes: I32) {
    const word = (i: number): I32 => i32.load(i32.const(0), places.range + 4 * i);
    this.#f = f;
    this.#places = places;
    this.#range = f.let(word(0));
    this.#value = f.let(word(1));
    this.#at = f.let(i32.add(word(2), i32.const(places.bytes)));
    this.#end = f.let(i32.add(nBytes, i32.const(places.bytes)));
  }

  /** @param row address of a distribution, as `OpusRange.symbol` takes it, in bytes */
  symbol(row: I32): Local<'i32'> {
    const f = this.#f;
    const [range, value] = [this.#range, this.#value];
    const start = f.let(row);
    const at = f.let(start);
    const unit = f.let(i32.shr_u(range, i32.const(8)));
    const below = f.local('i32');
    f.loop((again) => {
      f.set(below, i32.mul(unit, i32.load8_u(at)));
      f.if(i32.lt_u(value, below), () => {
        f.set(range, below);
        f.increase(at, 1);
        f.br(again);
      });
    });
    f.set(range, i32.sub(range, below));
    f.set(value, i32.sub(value, below));
    this.#fill();
    return f.let(i32.sub(at, start));
  }

  /** As `OpusRange.binary`. */
  binary(first: I32): Local<'i32'> {
    const f = this.#f;
    const [range, value] = [this.#range, this.#value];
    const below = f.let(i32.mul(i32.shr_u(range, i32.const(8)), first));
    const bit = f.let(i32.lt_u(value, below));
    f.if(
      bit,
      () => f.set(range, below),
      () => {
        f.set(range, i32.sub(range, below));
        f.set(value, i32.sub(value, below));
      },
    );
    this.#fill();
    return bit;
  }

  /** Writes the state back. */
  end(): void {
    const f = this.#f;
    const words = [this.#range, this.#value, i32.sub(this.#at, i32.const(this.#places.bytes))];
    for (const [i, word] of words.entries()) f.do(i32.store(i32.const(0), word, this.#places.range + 4 * i));
  }

  /** Takes as many bytes as the range needs. */
  #fill(): void {
    const f = this.#f;
    const [range, value, at] = [this.#range, this.#value, this.#at];
    f.while(i32.lt_u(range, i32.const(MIN_RANGE + 1)), () => {
      const before = i32.shl(this.#byte(i32.sub(at, i32.const(1))), i32.const(7));
      const bits = i32.and(i32.or(before, i32.shr_u(this.#byte(at), i32.const(1))), i32.const(255));
      const longer = i32.or(i32.shl(value, i32.const(8)), i32.xor(bits, i32.const(255)));
      f.set(value, i32.and(longer, i32.const(0x7fffffff)));
      f.set(range, i32.shl(range, i32.const(8)));
      f.increase(at, 1);
    });
  }

  /** 0 past the end. */
  #byte(at: I32): I32 {
    return i32.load8_u(select(at, i32.const(this.#places.zero), i32.lt_u(at, this.#end)));
  }
}
