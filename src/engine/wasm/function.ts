/**
 * One function of a module under construction: parameters, locals, statements, structured control flow.
 *
 *   const f = module.function('sum', { from: 'i32', count: 'i32' }, 'f32');
 *   const { from, count } = f.args;
 *   const total = f.local('f32');
 *   f.while(count, () => {
 *     f.set(total, f32.add(total, f32.load(from)));
 *     f.set(from, i32.add(from, i32.const(4)));
 *     f.set(count, i32.sub(count, i32.const(1)));
 *   });
 *   f.return(total);
 */
import { ByteWriter, unsignedLeb, vector } from './encoding.ts';
import {
  type Expr,
  instruction,
  type Local,
  localVariable,
  tee,
  type ValueType,
  valueTypeByte,
  writeCode,
} from './expression.ts';
import { type I32, i32 } from './scalar.ts';
import { f32x4, i32x4 } from './simd.ts';

export type ParameterTypes = Readonly<Record<string, ValueType>>;
export type Parameters<P extends ParameterTypes> = { readonly [K in keyof P]: Local<P[K]> };

/** Where a branch may go: the end of a block or the start of a loop. */
export interface Label {
  readonly depth: number;
}

const emptyBlock = 0x40;

export class FunctionBuilder<P extends ParameterTypes = ParameterTypes> {
  /** The parameters by name. They may be set like locals. */
  readonly args: Parameters<P>;
  readonly #types: ValueType[] = [];
  readonly #prologue = new ByteWriter();
  readonly #code = new ByteWriter();
  readonly #constants = new Map<string, Local<'v128'>>();
  #depth = 0;
  readonly name: string;
  readonly index: number;
  readonly parameters: P;
  readonly result: ValueType | undefined;

  /** Made by `ModuleBuilder.function`. */
  constructor(name: string, index: number, parameters: P, result: ValueType | undefined) {
    this.name = name;
    this.index = index;
    this.parameters = parameters;
    this.result = result;
    const args: Record<string, Local> = {};
    for (const [i, [param, type]] of Object.entries(parameters).entries()) args[param] = localVariable(type, i);
    this.args = args as Parameters<P>; // one local for each key, of that key's type
  }

  /** A new local variable; holds zero at first. */
  local<T extends ValueType>(type: T): Local<T> {
    this.#types.push(type);
    return localVariable(type, Object.keys(this.parameters).length + this.#types.length - 1);
  }

  locals<T extends ValueType>(type: T, count: number): Local<T>[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /**
   * A vector constant that is loaded once, before the body: V8 from 13 on builds a `v128.const` inside a loop
   * anew at each use.
   */
  splat(value: number): Local<'v128'> {
    return this.#constant(`f${Object.is(value, -0) ? '-0' : value}`, f32x4.const(value));
  }

  /** As `splat`, four equal integers. */
  splatInt(value: number): Local<'v128'> {
    return this.#constant(`i${value}`, i32x4.const(value));
  }

  /** As `splat`, any four lanes. */
  lanes(a: number, b: number, c: number, d: number): Local<'v128'> {
    return this.#constant(`l${a},${b},${c},${d}`, i32x4.lanes(a, b, c, d));
  }

  #constant(key: string, value: Expr<'v128'>): Local<'v128'> {
    let local = this.#constants.get(key);
    if (!local) {
      local = this.local('v128');
      this.#constants.set(key, local);
      writeCode(this.#prologue, assignment(local, value));
    }
    return local;
  }

  /** A new local that holds `value` from here on. */
  let<T extends ValueType>(value: Expr<T>): Local<T> {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }

  set<T extends ValueType>(local: Local<T>, value: Expr<T>): void {
    this.do(assignment(local, value));
  }

  /** local += bytes, for pointers and counters. */
  increase(local: Local<'i32'>, by: number | I32): void {
    this.set(local, i32.add(local, typeof by === 'number' ? i32.const(by) : by));
  }

  do(statement: Expr<'void'>): void {
    writeCode(this.#code, statement);
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    writeCode(this.#code, condition);
    this.#open(0x04, () => {
      then();
      if (otherwise) {
        this.#code.write([0x05]);
        otherwise();
      }
    });
  }

  /** A block that `br(exit)` leaves. */
  block(body: (exit: Label) => void): void {
    this.#open(0x02, () => body({ depth: this.#depth }));
  }

  /** A loop that `br(again)` repeats; it ends when the body falls through. */
  loop(body: (again: Label) => void): void {
    this.#open(0x03, () => body({ depth: this.#depth }));
  }

  br(label: Label): void {
    this.#code.write([0x0c, ...unsignedLeb(this.#depth - label.depth)]);
  }

  brIf(label: Label, condition: I32): void {
    writeCode(this.#code, condition);
    this.#code.write([0x0d, ...unsignedLeb(this.#depth - label.depth)]);
  }

  /** do { body } while (condition) */
  doWhile(body: () => void, condition: I32): void {
    this.loop((again) => {
      body();
      this.brIf(again, condition);
    });
  }

  while(condition: I32, body: () => void): void {
    this.block((exit) =>
      this.loop((again) => {
        this.brIf(exit, i32.eqz(condition));
        body();
        this.br(again);
      }),
    );
  }

  /** for (i = from; i < to; i += step) { body }, signed. `to` is evaluated at each turn. */
  for(i: Local<'i32'>, from: I32, to: I32, step: number, body: () => void): void {
    this.set(i, from);
    this.if(i32.lt_s(i, to), () => this.doWhile(body, i32.lt_s(tee(i, i32.add(i, i32.const(step))), to)));
  }

  /** The body `count` times, at least once. */
  repeat(count: I32, body: () => void): void {
    const left = this.let(count);
    this.doWhile(body, tee(left, i32.sub(left, i32.const(1))));
  }

  return(value?: Expr): void {
    this.do(instruction('void', value ? [value] : [], [0x0f]));
  }

  /** A call as a statement. */
  call(callee: FunctionBuilder, ...args: readonly Expr[]): void {
    this.do(instruction('void', args, [0x10, ...unsignedLeb(callee.index)]));
  }

  /** A call for its result. */
  callFor<T extends ValueType>(type: T, callee: FunctionBuilder, ...args: readonly Expr[]): Expr<T> {
    return instruction(type, args, [0x10, ...unsignedLeb(callee.index)]);
  }

  /** Size and body, as the code section wants it. */
  encode(to: ByteWriter): void {
    const locals = vector(this.#types.map((type) => [1, valueTypeByte[type]]));
    // A function with a result ends by `return`; the end of its body is then never reached, which has to be said.
    const end = this.result ? [0x00, 0x0b] : [0x0b];
    to.write(unsignedLeb(locals.length + this.#prologue.length + this.#code.length + end.length));
    to.write(locals);
    to.append(this.#prologue);
    to.append(this.#code);
    to.write(end);
  }

  #open(opcode: number, body: () => void): void {
    this.#code.write([opcode, emptyBlock]);
    this.#depth++;
    body();
    this.#depth--;
    this.#code.write([0x0b]);
  }
}

function assignment(local: Local, value: Expr): Expr<'void'> {
  return instruction('void', [value], [0x21, ...unsignedLeb(local.index)]);
}
