/** Scalar instructions under their names in the specification. Offsets are constants in bytes. */
import { floatBytes, signedLeb, unsignedLeb } from './encoding.ts';
import { type Expr, instruction, type ValueType } from './expression.ts';

export type I32 = Expr<'i32'>;
export type F32 = Expr<'f32'>;

function unary<A extends ValueType, R extends ValueType>(type: R, op: number): (a: Expr<A>) => Expr<R> {
  const bytes = [op];
  return (a) => instruction(type, [a], bytes);
}

function binary<A extends ValueType, R extends ValueType>(type: R, op: number): (a: Expr<A>, b: Expr<A>) => Expr<R> {
  const bytes = [op];
  return (a, b) => instruction(type, [a, b], bytes);
}

function load<R extends ValueType>(type: R, op: number, align: number): (address: I32, offset?: number) => Expr<R> {
  return (address, offset = 0) => instruction(type, [address], [op, align, ...unsignedLeb(offset)]);
}

function store<A extends ValueType>(
  op: number,
  align: number,
): (a: I32, value: Expr<A>, offset?: number) => Expr<'void'> {
  return (address, value, offset = 0) => instruction('void', [address, value], [op, align, ...unsignedLeb(offset)]);
}

export const i32 = {
  const: (value: number): I32 => instruction('i32', [], [0x41, ...signedLeb(value)]),
  load: load('i32', 0x28, 2),
  load8_s: load('i32', 0x2c, 0),
  load8_u: load('i32', 0x2d, 0),
  load16_u: load('i32', 0x2f, 1),
  store: store<'i32'>(0x36, 2),
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: binary<'i32', 'i32'>('i32', 0x46),
  ne: binary<'i32', 'i32'>('i32', 0x47),
  lt_s: binary<'i32', 'i32'>('i32', 0x48),
  lt_u: binary<'i32', 'i32'>('i32', 0x49),
  gt_s: binary<'i32', 'i32'>('i32', 0x4a),
  le_s: binary<'i32', 'i32'>('i32', 0x4c),
  ge_s: binary<'i32', 'i32'>('i32', 0x4e),
  ge_u: binary<'i32', 'i32'>('i32', 0x4f),
  ctz: unary<'i32', 'i32'>('i32', 0x68),
  add: binary<'i32', 'i32'>('i32', 0x6a),
  sub: binary<'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32'>('i32', 0x6c),
  div_u: binary<'i32', 'i32'>('i32', 0x6e),
  rem_u: binary<'i32', 'i32'>('i32', 0x70),
  and: binary<'i32', 'i32'>('i32', 0x71),
  or: binary<'i32', 'i32'>('i32', 0x72),
  xor: binary<'i32', 'i32'>('i32', 0x73),
  shl: binary<'i32', 'i32'>('i32', 0x74),
  shr_s: binary<'i32', 'i32'>('i32', 0x75),
  shr_u: binary<'i32', 'i32'>('i32', 0x76),
};

export const f32 = {
  const: (value: number): F32 => instruction('f32', [], [0x43, ...floatBytes(value)]),
  load: load('f32', 0x2a, 2),
  store: store<'f32'>(0x38, 2),
  eq: binary<'f32', 'i32'>('i32', 0x5b),
  ne: binary<'f32', 'i32'>('i32', 0x5c),
  gt: binary<'f32', 'i32'>('i32', 0x5e),
  add: binary<'f32', 'f32'>('f32', 0x92),
  sub: binary<'f32', 'f32'>('f32', 0x93),
  mul: binary<'f32', 'f32'>('f32', 0x94),
  div: binary<'f32', 'f32'>('f32', 0x95),
  max: binary<'f32', 'f32'>('f32', 0x97),
  convert_i32_s: unary<'i32', 'f32'>('f32', 0xb2),
  convert_i32_u: unary<'i32', 'f32'>('f32', 0xb3),
  reinterpret_i32: unary<'i32', 'f32'>('f32', 0xbe),
};

export const memory = {
  copy: (to: I32, from: I32, bytes: I32): Expr<'void'> => instruction('void', [to, from, bytes], [0xfc, 10, 0, 0]),
  fill: (to: I32, byte: I32, bytes: I32): Expr<'void'> => instruction('void', [to, byte, bytes], [0xfc, 11, 0]),
};
