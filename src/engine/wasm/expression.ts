/**
 * Typed pieces of code. An expression leaves one value on the stack; `void` ones leave nothing. It is a tree until it becomes
 * part of a function: its bytes are written once, however deep it stands in another.
 *
 * Code is written as nested calls under the names of the specification, so that an emitted loop reads like the scalar
 * one it stands for: `f.set(sum, f32x4.add(sum, f32x4.mul(x, v128.load(w, 16))))`.
 */
import { type ByteWriter, unsignedLeb } from './encoding.ts';

export type ValueType = 'i32' | 'f32' | 'v128';

export interface Expr<T extends ValueType | 'void' = ValueType | 'void'> {
  readonly type: T;
  readonly operands: readonly Expr[];
  /** Of the instruction, which follow those of its operands. */
  readonly bytes: readonly number[];
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

export function instruction<T extends ValueType | 'void'>(
  type: T,
  operands: readonly Expr[],
  bytes: readonly number[],
): Expr<T> {
  return { type, operands, bytes };
}

/** Operands in order, then the instruction. */
export function writeCode(to: ByteWriter, { operands, bytes }: Expr): void {
  for (const operand of operands) writeCode(to, operand);
  to.write(bytes);
}

export function localVariable<T extends ValueType>(type: T, index: number): Local<T> {
  return { type, index, operands: [], bytes: [0x20, ...unsignedLeb(index)] };
}

/** Sets a local and leaves the value. */
export function tee<T extends ValueType>(local: Local<T>, value: Expr<T>): Expr<T> {
  return instruction(local.type, [value], [0x22, ...unsignedLeb(local.index)]);
}

/** `condition ? a : b`, both evaluated. */
export function select<T extends ValueType>(a: Expr<T>, b: Expr<T>, condition: Expr<'i32'>): Expr<T> {
  // Vectors need the typed form of the instruction.
  return a.type === 'v128'
    ? instruction(a.type, [a, b, condition], [0x1c, 1, valueTypeByte.v128])
    : instruction(a.type, [a, b, condition], [0x1b]);
}
