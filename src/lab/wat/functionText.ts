/** One function in the text format. Its code is a stack machine's; operands are folded into what takes them. */
import { type Opcode, PLAIN, VECTOR } from './opcodes.ts';
import { valueType, type WasmReader } from './reader.ts';

export interface FunctionType {
  readonly parameters: readonly string[];
  readonly result: string | undefined;
}

export interface FunctionNames {
  readonly exported: string | undefined;
  readonly parameters: readonly string[] | undefined;
}

/** `(name of the instruction with its immediates, operands)` */
interface Node {
  readonly head: string;
  readonly operands: readonly Node[];
}

type Operation = readonly [head: string, operands: number, hasResult: boolean];

const WIDTH = 110;

/** @param functions types of all functions of the module @throws {RangeError} for what kernels do not emit */
export function functionLines(
  reader: WasmReader,
  index: number,
  functions: readonly FunctionType[],
  { exported, parameters: names }: FunctionNames,
): readonly string[] {
  const { parameters, result } = functions[index]!; // the section of code has as many
  const locals = reader.vector(() => ({ count: reader.unsigned(), type: valueType(reader.byte()) }));
  const variables = [
    ...parameters.map((type, i) => ({ type, name: `$${names?.[i] ?? `p${i}`}` })),
    ...locals.flatMap(({ count, type }) => Array.from({ length: count }, () => ({ type, name: '' }))),
  ].map(({ type, name }, i) => ({ type, name: name || `$${type[0]}${i}` }));
  const declared = variables.map(({ type, name }) => `${name} ${type}`);
  const head = [
    `(func $f${index}`,
    ...(exported === undefined ? [] : [`(export "${exported}")`]),
    ...declared.slice(0, parameters.length).map((text) => `(param ${text})`),
    ...(result === undefined ? [] : [`(result ${result})`]),
  ].join(' ');
  const own = declared.slice(parameters.length).map((text) => `(local ${text})`);
  const writer = new BodyWriter(
    reader,
    variables.map(({ name }) => name),
    functions,
  );
  const body = [...wrapped(own), ...writer.lines()];
  return [head, ...body.map((line) => `  ${line}`), ')'];
}

/** Several on a line. */
function wrapped(texts: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + text.length < WIDTH) lines[lines.length - 1] = `${last} ${text}`;
    else lines.push(text);
  }
  return lines;
}

class BodyWriter {
  readonly #reader: WasmReader;
  readonly #variables: readonly string[];
  readonly #functions: readonly FunctionType[];
  readonly #lines: string[] = [];
  #stack: Node[] = [];
  #depth = 0;

  constructor(reader: WasmReader, variables: readonly string[], functions: readonly FunctionType[]) {
    this.#reader = reader;
    this.#variables = variables;
    this.#functions = functions;
  }

  lines(): readonly string[] {
    const reader = this.#reader;
    while (reader.at < reader.end - 1) this.#instruction(reader.byte());
    if (reader.byte() !== 0x0b) throw new RangeError('a function does not end');
    return this.#lines;
  }

  #instruction(code: number): void {
    const reader = this.#reader;
    switch (code) {
      case 0x02:
      case 0x03:
      case 0x04: {
        if (reader.byte() !== 0x40) throw new RangeError('a block with a result');
        // The condition of an `if`.
        if (code === 0x04) this.#line(...this.#take(1).flatMap((node) => textOf(node)));
        this.#line({ 2: 'block', 3: 'loop', 4: 'if' }[code]);
        this.#depth++;
        return;
      }
      case 0x05:
      case 0x0b:
        this.#depth--;
        this.#line(code === 0x05 ? 'else' : 'end');
        if (code === 0x05) this.#depth++;
        return;
      default:
        this.#add(...this.#operation(code));
    }
  }

  #operation(code: number): Operation {
    const reader = this.#reader;
    switch (code) {
      case 0x0c:
        return [`br ${reader.unsigned()}`, 0, false];
      case 0x0d:
        return [`br_if ${reader.unsigned()}`, 1, false];
      case 0x0f:
        return ['return', this.#stack.length, false];
      case 0x10: {
        const index = reader.unsigned();
        const callee = this.#functions[index];
        if (!callee) throw new RangeError(`there is no function ${index}`);
        return [`call $f${index}`, callee.parameters.length, callee.result !== undefined];
      }
      case 0x1b:
        return ['select', 3, true];
      case 0x1c:
        return [`select ${reader.vector(() => `(result ${valueType(reader.byte())})`).join(' ')}`, 3, true];
      case 0x20:
        return [`local.get ${this.#variable()}`, 0, true];
      case 0x21:
        return [`local.set ${this.#variable()}`, 1, false];
      case 0x22:
        return [`local.tee ${this.#variable()}`, 1, true];
      case 0xfc:
        return this.#bulk(reader.unsigned());
      default:
        return this.#known(code);
    }
  }

  #bulk(code: number): Operation {
    if (code !== 10 && code !== 11) throw new RangeError(`0xfc ${code} is nothing that kernels emit`);
    // The memory's number, of which there is one.
    this.#reader.take(code === 10 ? 2 : 1);
    return [code === 10 ? 'memory.copy' : 'memory.fill', 3, false];
  }

  #known(code: number): Operation {
    const vector = code === 0xfd ? this.#reader.unsigned() : undefined;
    const opcode = vector === undefined ? PLAIN.get(code) : VECTOR.get(vector);
    if (!opcode) throw new RangeError(`0x${code.toString(16)} ${vector ?? ''} is nothing that kernels emit`);
    return [opcode.name + this.#immediate(opcode), opcode.operands, opcode.hasResult];
  }

  #immediate({ immediate, align }: Opcode): string {
    const reader = this.#reader;
    switch (immediate) {
      case 'none':
        return '';
      case 'i32':
        return ` ${reader.signed()}`;
      case 'f32':
        return ` ${floatText(reader.take(4))}`;
      case 'v128':
        return ` ${vectorText(reader.take(16))}`;
      case 'lane':
        return ` ${reader.byte()}`;
      case 'lanes':
        return ` ${reader.take(16).join(' ')}`;
      case 'memory':
      case 'memoryLane': {
        const [stated, offset] = [reader.unsigned(), reader.unsigned()];
        const place = (offset > 0 ? ` offset=${offset}` : '') + (stated === align ? '' : ` align=${2 ** stated}`);
        return immediate === 'memory' ? place : `${place} ${reader.byte()}`;
      }
    }
  }

  #variable(): string {
    const name = this.#variables[this.#reader.unsigned()];
    if (name === undefined) throw new RangeError('there is no such variable');
    return name;
  }

  #take(count: number): readonly Node[] {
    if (this.#stack.length < count) throw new RangeError('an operand is missing');
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #add(head: string, operands: number, hasResult: boolean): void {
    const node = { head, operands: this.#take(operands) };
    if (hasResult) this.#stack.push(node);
    else this.#line(...textOf(node));
  }

  /** What a statement leaves below it on the stack would be evaluated after it. */
  #line(...texts: readonly string[]): void {
    if (this.#stack.length > 0) throw new RangeError('a value lies below a statement');
    for (const text of texts) this.#lines.push('  '.repeat(this.#depth) + text);
  }
}

/** On one line where it fits. */
function textOf({ head, operands }: Node): readonly string[] {
  const inner = operands.map(textOf);
  const flat = [head, ...inner.flat()].join(' ');
  if (inner.every((lines) => lines.length === 1) && flat.length < WIDTH) return [`(${flat})`];
  const last = inner.length - 1;
  return [
    `(${head}`,
    ...inner.flatMap((lines, i) =>
      lines.map((line, k) => `  ${line}${i === last && k === lines.length - 1 ? ')' : ''}`),
    ),
  ];
}

/** Exact: as few digits as give the same f32. */
function floatText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 4);
  const value = view.getFloat32(0, true);
  if (Number.isNaN(value)) return `nan:0x${(view.getUint32(0, true) & 0x7fffff).toString(16)}`;
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0';
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}

/** As floats where all four lanes are plain ones, else as integers. */
function vectorText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const floats = [0, 4, 8, 12].map((at) => view.getFloat32(at, true));
  if (floats.every((value) => Math.abs(value) > 1e-30 && Math.abs(value) < 1e38))
    return `f32x4 ${[0, 4, 8, 12].map((at) => floatText(bytes.subarray(at, at + 4))).join(' ')}`;
  return `i32x4 ${[0, 4, 8, 12].map((at) => view.getInt32(at, true)).join(' ')}`;
}
