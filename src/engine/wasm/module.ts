/**
 * A module under construction: one imported memory (`env.memory`), functions, exports.
 *
 * Functions that several kernels need (GEMM tiles, `exp` over a row) are built once a module: `w.once(key, build)`.
 */
import { InternalError } from '../../base/errors.ts';
import { ByteWriter, unsignedLeb, utf8Name, vector } from './encoding.ts';
import { type ValueType, valueTypeByte } from './expression.ts';
import { FunctionBuilder, type ParameterTypes } from './function.ts';

export interface MemoryImport {
  readonly shared: boolean;
  /** In pages of 64 KiB; at least the maximum of the memory that is handed in. */
  readonly maximumPages: number;
}

export class ModuleBuilder {
  readonly #functions: FunctionBuilder[] = [];
  readonly #exports: { readonly name: string; readonly index: number }[] = [];
  readonly #built = new Map<string, FunctionBuilder>();

  readonly #memory: MemoryImport;

  constructor(memory: MemoryImport) {
    this.#memory = memory;
  }

  /** Adds a function; its statements are written through the builder that is returned. */
  function<P extends ParameterTypes>(name: string, parameters: P, result?: ValueType): FunctionBuilder<P> {
    const f = new FunctionBuilder(name, this.#functions.length, parameters, result);
    this.#functions.push(f);
    return f;
  }

  /** The function with this key, built at the first call. */
  once(key: string, build: () => FunctionBuilder): FunctionBuilder {
    let f = this.#built.get(key);
    if (!f) {
      f = build();
      this.#built.set(key, f);
    }
    return f;
  }

  export(name: string, f: FunctionBuilder): void {
    if (this.#exports.some((e) => e.name === name)) throw new InternalError(`The export ${name} is there already.`);
    this.#exports.push({ name, index: f.index });
  }

  /** The module in the binary format. */
  bytes(): Uint8Array<ArrayBuffer> {
    const types: number[][] = [];
    const typeIndex = new Map<string, number>();
    const typeOf = this.#functions.map((f) => {
      const parameters = Object.values(f.parameters).map((type) => [valueTypeByte[type]]);
      const encoded = [0x60, ...vector(parameters), ...vector(f.result ? [[valueTypeByte[f.result]]] : [])];
      const key = encoded.join();
      let index = typeIndex.get(key);
      if (index === undefined) {
        index = types.push(encoded) - 1;
        typeIndex.set(key, index);
      }
      return unsignedLeb(index);
    });
    const limits = [this.#memory.shared ? 3 : 1, ...unsignedLeb(1), ...unsignedLeb(this.#memory.maximumPages)];
    const imports = [[...utf8Name('env'), ...utf8Name('memory'), 2, ...limits]];
    const exports = this.#exports.map((e) => [...utf8Name(e.name), 0, ...unsignedLeb(e.index)]);
    const module = new ByteWriter();
    module.write([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    for (const [id, items] of [
      [1, types] as const,
      [2, imports] as const,
      [3, typeOf] as const,
      [7, exports] as const,
    ]) {
      const body = new ByteWriter();
      body.write(vector(items));
      module.section(id, body);
    }
    const code = new ByteWriter();
    code.write(unsignedLeb(this.#functions.length));
    for (const f of this.#functions) f.encode(code);
    module.section(10, code);
    return module.bytes();
  }
}
