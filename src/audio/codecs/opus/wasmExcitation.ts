/** SILK's excitation (silkExcitation.ts) in WebAssembly: a range decoder whose state stays in registers is twice as fast. */
import { type Local, select } from '../../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../../engine/wasm/function.ts';
import { memory as bulk, f32, type I32, i32 } from '../../../engine/wasm/scalar.ts';
import { BLOCK_SIZE, MAX_LOW_BITS, MORE_LOW_BITS } from './silkExcitation.ts';
import { AT, COUNTS_WITH_ALL_LOW_BITS, COUNTS_WITH_LOW_BITS, DISTRIBUTION, SHARED, SIGNS } from './silkLayout.ts';
import { LOW_BIT, PULSE_SPLIT } from './silkPulseTables.ts';
import { SILK_HISTORY } from './silkSynthesis.ts';
import { EmittedRange } from './wasmRange.ts';

const BLOCK_BYTES = 4 * BLOCK_SIZE;

export const EXCITATION_ARGUMENTS = {
  base: 'i32',
  /** Of the frame. */
  nBytes: 'i32',
  nBlocks: 'i32',
  seed: 'i32',
  /** Which of the distributions of counts. */
  rate: 'i32',
  /** Which of the rows of chances of a minus. */
  signs: 'i32',
  /** Of the quantization. */
  offset: 'i32',
} as const;

/** Emits what reads the excitation into the place of the residual: as integers first, then as f32. */
export function emitExcitation(f: FunctionBuilder<typeof EXCITATION_ARGUMENTS>): void {
  const { base, nBytes, nBlocks, seed, rate, signs, offset } = f.args;
  const range = new EmittedRange(f, SHARED, nBytes);
  const start = f.let(i32.add(base, i32.const(AT.residual + 4 * SILK_HISTORY)));
  /** Visits the blocks: their first value, and a word of the tables of counts. */
  const eachBlock = (visit: (at: Local<'i32'>, word: Local<'i32'>) => void): void => {
    const [at, word] = [f.let(start), f.let(i32.const(0))];
    f.repeat(nBlocks, () => {
      visit(at, word);
      f.increase(at, BLOCK_BYTES);
      f.increase(word, 4);
    });
  };

  const counts = f.let(countsRow(rate));
  eachBlock((_at, word) => {
    const row = f.let(counts);
    const nLowBits = f.let(i32.const(0));
    f.loop((again) => {
      const nPulses = range.symbol(row);
      f.if(i32.eq(nPulses, i32.const(MORE_LOW_BITS)), () => {
        f.increase(nLowBits, 1);
        const isLast = i32.eq(nLowBits, i32.const(MAX_LOW_BITS));
        const [all, some] = [COUNTS_WITH_ALL_LOW_BITS, COUNTS_WITH_LOW_BITS].map((i) => countsRow(i32.const(i)));
        f.set(row, select(all!, some!, isLast));
        f.br(again);
      });
      f.do(i32.store(word, nPulses, SHARED.nPulses));
    });
    f.do(i32.store(word, nLowBits, SHARED.nLowBits));
  });

  f.do(bulk.fill(start, i32.const(0), i32.mul(nBlocks, i32.const(BLOCK_BYTES))));
  eachBlock((at, word) => split(f, range, 0, at, f.let(i32.load(word, SHARED.nPulses))));

  eachBlock((at, word) => {
    const nLowBits = f.let(i32.load(word, SHARED.nLowBits));
    f.if(nLowBits, () =>
      eachValue(f, at, (value, place) => {
        f.repeat(nLowBits, () => {
          const bit = range.binary(i32.const(LOW_BIT[0]!));
          f.set(value, i32.add(i32.shl(value, i32.const(1)), bit));
        });
        f.do(i32.store(place, value));
      }),
    );
  });

  const chances = f.let(i32.add(i32.const(SHARED.minus), i32.mul(signs, i32.const(SIGNS))));
  eachBlock((at, word) => {
    const nPulses = f.let(i32.load(word, SHARED.nPulses));
    const most = i32.const(6);
    const chance = f.let(i32.load8_u(i32.add(chances, select(nPulses, most, i32.lt_u(nPulses, most)))));
    eachValue(f, at, (value, place) => {
      f.if(value, () => f.if(i32.eqz(range.binary(chance)), () => f.set(value, i32.sub(i32.const(0), value))));
      const zero = i32.const(0);
      const sign = i32.sub(i32.gt_s(value, zero), i32.lt_s(value, zero));
      const scaled = i32.sub(i32.shl(value, i32.const(8)), i32.mul(sign, i32.const(20)));
      const level = f.let(i32.add(scaled, offset));
      f.set(seed, i32.add(i32.mul(seed, i32.const(196314165)), i32.const(907633515)));
      const turned = select(i32.sub(zero, level), level, i32.lt_s(seed, zero));
      f.do(f32.store(place, f32.mul(f32.convert_i32_s(turned), f32.const(2 ** -23))));
      f.set(seed, i32.add(seed, value));
    });
  });
  range.end();
}

/** Address of a distribution of counts. */
function countsRow(index: I32): I32 {
  return i32.add(i32.const(SHARED.counts), i32.mul(index, i32.const(DISTRIBUTION)));
}

/** Visits the values of a block, with the address of each. */
function eachValue(f: FunctionBuilder, at: I32, visit: (value: Local<'i32'>, place: Local<'i32'>) => void): void {
  const place = f.let(at);
  f.repeat(i32.const(BLOCK_SIZE), () => {
    visit(f.let(i32.load(place)), place);
    f.increase(place, 4);
  });
}

/** Splits `nPulses` between the halves of a part of a block, where there are any. */
function split(f: FunctionBuilder, range: EmittedRange, level: number, at: Local<'i32'>, nPulses: Local<'i32'>): void {
  f.if(nPulses, () => {
    const ofLevel = SHARED.splits + DISTRIBUTION * (BLOCK_SIZE * level - 1);
    const inFirst = range.symbol(i32.add(i32.const(ofLevel), i32.mul(nPulses, i32.const(DISTRIBUTION))));
    const others = f.let(i32.sub(nPulses, inFirst));
    const halfBytes = BLOCK_BYTES >> (level + 1);
    if (level === PULSE_SPLIT.length - 1) {
      f.do(i32.store(at, inFirst));
      f.do(i32.store(at, others, halfBytes));
      return;
    }
    const [place, part] = [f.let(at), f.let(inFirst)];
    f.repeat(i32.const(2), () => {
      split(f, range, level + 1, place, part);
      f.increase(place, halfBytes);
      f.set(part, others);
    });
  });
}
