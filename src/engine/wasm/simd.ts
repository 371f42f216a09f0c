/** 128-bit SIMD instructions under their names in the specification; relaxed ones are named `relaxed_...`. */
import { floatBytes, unsignedLeb } from './encoding.ts';
import { type Expr, instruction } from './expression.ts';
import type { F32, I32 } from './scalar.ts';

export type V128 = Expr<'v128'>;

/** The prefixed opcode; those from 128 on take two bytes. */
function op(code: number): number[] {
  return [0xfd, ...unsignedLeb(code)];
}

function unary(code: number): (a: V128) => V128 {
  const bytes = op(code);
  return (a) => instruction('v128', [a], bytes);
}

function binary(code: number): (a: V128, b: V128) => V128 {
  const bytes = op(code);
  return (a, b) => instruction('v128', [a, b], bytes);
}

function ternary(code: number): (a: V128, b: V128, c: V128) => V128 {
  const bytes = op(code);
  return (a, b, c) => instruction('v128', [a, b, c], bytes);
}

function shift(code: number): (a: V128, bits: I32) => V128 {
  const bytes = op(code);
  return (a, bits) => instruction('v128', [a, bits], bytes);
}

function test(code: number): (a: V128) => I32 {
  const bytes = op(code);
  return (a) => instruction('i32', [a], bytes);
}

function load(code: number, align: number): (address: I32, offset?: number) => V128 {
  const bytes = [...op(code), align];
  return (address, offset = 0) => instruction('v128', [address], [...bytes, ...unsignedLeb(offset)]);
}

export const v128 = {
  load: load(0, 4),
  /** Four 16-bit integers, extended to 32 bits by their sign. */
  load16x4_s: load(3, 3),
  /** Eight bytes, extended to 16 bits by their sign. */
  load8x8_s: load(1, 3),
  load32_splat: load(9, 2),
  load64_splat: load(10, 3),
  load32_zero: load(92, 2),
  /** `value` with 32 bits from memory in a lane. */
  load32_lane: (address: I32, value: V128, lane: number, offset = 0): V128 =>
    instruction('v128', [address, value], [...op(86), 2, ...unsignedLeb(offset), lane]),
  store: (address: I32, value: V128, offset = 0): Expr<'void'> =>
    instruction('void', [address, value], [...op(11), 4, ...unsignedLeb(offset)]),
  store16_lane: (address: I32, value: V128, lane: number, offset = 0): Expr<'void'> =>
    instruction('void', [address, value], [...op(89), 1, ...unsignedLeb(offset), lane]),
  store32_lane: (address: I32, value: V128, lane: number, offset = 0): Expr<'void'> =>
    instruction('void', [address, value], [...op(90), 2, ...unsignedLeb(offset), lane]),
  store64_lane: (address: I32, value: V128, lane: number, offset = 0): Expr<'void'> =>
    instruction('void', [address, value], [...op(91), 3, ...unsignedLeb(offset), lane]),
  and: binary(78),
  andnot: binary(79),
  or: binary(80),
  xor: binary(81),
  /** Bits of `a` where the mask is 1, of `b` where it is 0. */
  bitselect: ternary(82),
  any_true: test(83),
};

export const i8x16 = {
  /** Bytes of the 32 of `a` and `b`, by index. */
  shuffle: (a: V128, b: V128, lanes: readonly number[]): V128 => instruction('v128', [a, b], [...op(13), ...lanes]),
};

export const i16x8 = {
  extend_low_i8x16_s: unary(135),
  /** Signed 32-bit integers of `a`, then of `b`, to 16 bits, clamped. */
  narrow_i32x4_s: binary(133),
  /** The same, to unsigned ones. */
  narrow_i32x4_u: binary(134),
};

export const i32x4 = {
  const: (value: number): V128 => {
    const bytes = [...new Uint8Array(new Int32Array([value]).buffer)];
    return instruction('v128', [], [...op(12), ...bytes, ...bytes, ...bytes, ...bytes]);
  },
  lanes: (a: number, b: number, c: number, d: number): V128 =>
    instruction('v128', [], [...op(12), ...new Uint8Array(new Int32Array([a, b, c, d]).buffer)]),
  splat: (a: I32): V128 => instruction('v128', [a], op(17)),
  eq: binary(55),
  lt_s: binary(57),
  gt_s: binary(59),
  ge_s: binary(63),
  bitmask: test(164),
  extend_low_i16x8_s: unary(167),
  shl: shift(171),
  shr_s: shift(172),
  shr_u: shift(173),
  add: binary(174),
  sub: binary(177),
  /** Products of neighbouring 16-bit integers, added up in pairs. */
  dot_i16x8_s: binary(186),
};

export const f32x4 = {
  const: (value: number): V128 => {
    const bytes = floatBytes(value);
    return instruction('v128', [], [...op(12), ...bytes, ...bytes, ...bytes, ...bytes]);
  },
  splat: (a: F32): V128 => instruction('v128', [a], op(19)),
  extract_lane: (a: V128, lane: number): F32 => instruction('f32', [a], [...op(31), lane]),
  eq: binary(65),
  ge: binary(70),
  /** To whole numbers, ties to even. */
  nearest: unary(106),
  abs: unary(224),
  neg: unary(225),
  sqrt: unary(227),
  add: binary(228),
  sub: binary(229),
  mul: binary(230),
  div: binary(231),
  /** `b < a ? b : a`: one machine instruction. */
  pmin: binary(234),
  /** `a < b ? b : a`: one machine instruction; a NaN in `b` gives `a`. */
  pmax: binary(235),
  convert_i32x4_s: unary(250),
  /** a * b + c, rounded once or twice as the machine likes. Needs relaxed SIMD. */
  relaxed_madd: ternary(0x105),
};
