/**
 * WebAssembly modules as kernels emit them, in the text format: folded, so that a loop reads like the calls that emitted it.
 * An assembler makes the same code of the text again.
 *
 * @see https://webassembly.github.io/spec/core/text
 */
import { type FunctionType, functionLines } from './functionText.ts';
import { valueType, WasmReader } from './reader.ts';

export interface DisassembleOptions {
  /** Names of the parameters of exported functions. */
  readonly parameters?: readonly string[] | undefined;
}

/**
 * @param bytes a module of this project's emitter: one imported memory, functions, exports
 * @throws {RangeError} for what that emitter does not write
 */
export function disassemble(bytes: Uint8Array, { parameters }: DisassembleOptions = {}): string {
  const reader = new WasmReader(bytes);
  if (reader.take(8).join() !== '0,97,115,109,1,0,0,0') throw new RangeError('these bytes are no module');
  let types: readonly FunctionType[] = [];
  let typeOf: readonly number[] = [];
  const lines: string[] = [];
  const exported = new Map<number, string>();
  const bodies: WasmReader[] = [];
  while (reader.at < reader.end) {
    const id = reader.byte();
    const size = reader.unsigned();
    const section = new WasmReader(bytes, reader.at, reader.at + size);
    reader.take(size);
    if (id === 1) types = section.vector(() => readType(section));
    else if (id === 2) lines.push(...section.vector(() => readImport(section)));
    else if (id === 3) typeOf = section.vector(() => section.unsigned());
    else if (id === 7)
      for (const { name, index } of section.vector(() => readExport(section))) exported.set(index, name);
    else if (id === 10)
      section.vector(() => {
        const length = section.unsigned();
        bodies.push(new WasmReader(bytes, section.at, section.at + length));
        section.take(length);
      });
    else throw new RangeError(`section ${id} is none that kernels have`);
  }
  const functions = typeOf.map((type) => types[type]!);
  for (const [index, body] of bodies.entries()) {
    const name = exported.get(index);
    lines.push(...functionLines(body, index, functions, { exported: name, parameters: name ? parameters : undefined }));
  }
  return `(module\n${lines.map((line) => `  ${line}\n`).join('')})\n`;
}

function readType(reader: WasmReader): FunctionType {
  if (reader.byte() !== 0x60) throw new RangeError('a type is not of a function');
  const parameters = reader.vector(() => valueType(reader.byte()));
  return { parameters, result: reader.vector(() => valueType(reader.byte()))[0] };
}

function readImport(reader: WasmReader): string {
  const [module, name, kind, flags] = [reader.name(), reader.name(), reader.byte(), reader.byte()];
  if (kind !== 2) throw new RangeError(`${module}.${name} is no memory`);
  const limits = [reader.unsigned(), ...(flags & 1 ? [reader.unsigned()] : []), ...(flags & 2 ? ['shared'] : [])];
  return `(import "${module}" "${name}" (memory ${limits.join(' ')}))`;
}

function readExport(reader: WasmReader): { readonly name: string; readonly index: number } {
  const [name, kind, index] = [reader.name(), reader.byte(), reader.unsigned()];
  if (kind !== 0) throw new RangeError(`the export ${name} is no function`);
  return { name, index };
}
