/**
 * From commands to one WebAssembly module: the variants of each, and one function for all commands that look the same.
 *
 * Dims, params, storage types and which optional arguments are given are constants in the code, so they make the
 * function's key; where the arguments lie does not.
 */
import type { Command } from '../../engine/program.ts';
import { type LoadedVariants, type SelectedVariant, selectVariants } from '../../engine/selectVariant.ts';
import type { KernelContext } from '../../engine/variant.ts';
import { ModuleBuilder } from '../../engine/wasm/module.ts';
import type { KernelFunction, WasmFeatures, WasmVariant } from '../../engine/wasm/variant.ts';

/** A variant with its function's place in the list of all functions of the device. */
export interface CompiledVariant extends SelectedVariant<WasmVariant> {
  readonly functionIndex: number;
}

export interface CompiledCommand {
  readonly command: Command;
  readonly variants: readonly CompiledVariant[];
}

/** The functions that the device's modules hold so far, by key. */
export type KnownFunctions = Map<string, number>;

export interface Compilation {
  readonly commands: readonly CompiledCommand[];
  /** The new functions' names, in order of their index; empty when all were known. */
  readonly exports: readonly string[];
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * @param loaded the variants of the commands' kernels
 * @param known  grows by the new functions
 * @throws {KernelError} `noVariant`
 */
export function compile(
  commands: readonly Command[],
  loaded: LoadedVariants<WasmVariant>,
  features: WasmFeatures,
  isShared: boolean,
  known: KnownFunctions,
): Compilation {
  const module = new ModuleBuilder({ shared: isShared, maximumPages: 65536 });
  const exports: string[] = [];
  const functionOf = (command: Command, { variant, context }: SelectedVariant<WasmVariant>): number => {
    const key = functionKey(command, variant, context);
    const index = known.get(key) ?? known.size;
    if (known.has(key)) return index;
    known.set(key, index);
    const f = kernelFunction(module, command);
    variant.emit(f, { ...context, module, features });
    const name = `${command.kernel.name}.${variant.name}.${index}`;
    module.export(name, f);
    exports.push(name);
    return index;
  };
  const compiled = commands.map((command): CompiledCommand => {
    const variants = selectVariants(command, loaded).map(
      (selected): CompiledVariant => ({ ...selected, functionIndex: functionOf(command, selected) }),
    );
    return { command, variants };
  });
  return { commands: compiled, exports, bytes: exports.length > 0 ? module.bytes() : undefined };
}

/** See `KernelFunction` for its parameters. */
function kernelFunction(module: ModuleBuilder, { kernel }: Command): KernelFunction {
  const names = ['begin', 'end', 'liveRows', 'scratch', ...Object.keys(kernel.args)];
  const types: Record<string, 'i32'> = Object.fromEntries(names.map((name) => [name, 'i32' as const]));
  return module.function(kernel.name, types) as KernelFunction; // exactly these names
}

function functionKey(command: Command, variant: WasmVariant, { dims, sumsAs, dtype }: KernelContext): string {
  const sorted = (record: Readonly<Record<string, number>>): string =>
    Object.keys(record)
      .sort()
      .map((name) => `${name}=${record[name]}`)
      .join();
  const given = Object.keys(command.args)
    .sort()
    .map((name) => `${name}:${dtype(name)}`);
  const { kernel, params } = command;
  return `${kernel.name} ${variant.name} ${sorted(dims)} as ${sumsAs} ${sorted(params)} ${given.join()}`;
}
