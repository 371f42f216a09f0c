/**
 * Typed pieces of code. An expression is the bytes that leave one value on the stack; `void` ones leave nothing.
 *
 * Code is written as nested calls under the names of the specification, so that an emitted loop reads like the scalar
 * one it stands for: `f.set(sum, f32x4.add(sum, f32x4.mul(x, v128.load(w, 16))))`.
 */
import { unsignedLeb } from './encoding.ts';

export type ValueType = 'i32' | 'f32' | 'v128';

export interface Expr<T extends ValueType | 'void' = ValueType | 'void'> {
  readonly type: T;
  readonly code: readonly number[];
}

/** A parameter or local variable; as an expression it is its value. */
export interface Local<T extends ValueType = ValueType> extends Expr<T> {
  readonly index: number;
}

export const valueTypeByte: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  f32: 0x7d,
  v128: 0x7b,
};

/** Operands in order, then the instruction's bytes. */
export function instruction<T extends ValueType | 'void'>(
  type: T,
  operands: readonly Expr[],
  ...bytes: readonly number[]
): Expr<T> {
  const code: number[] = [];
  for (const operand of operands) for (const byte of operand.code) code.push(byte);
  for (const byte of bytes) code.push(byte);
  return { type, code };
}

export function localVariable<T extends ValueType>(type: T, index: number): Local<T> {
  return { type, index, code: [0x20, ...unsignedLeb(index)] };
}

/** Sets a local and leaves the value. */
export function tee<T extends ValueType>(local: Local<T>, value: Expr<T>): Expr<T> {
  return instruction(local.type, [value], 0x22, ...unsignedLeb(local.index));
}

/** `condition ? a : b`, both evaluated. */
export function select<T extends ValueType>(a: Expr<T>, b: Expr<T>, condition: Expr<'i32'>): Expr<T> {
  // Vectors need the typed form of the instruction.
  return a.type === 'v128'
    ? instruction(a.type, [a, b, condition], 0x1c, 1, valueTypeByte.v128)
    : instruction(a.type, [a, b, condition], 0x1b);
}
