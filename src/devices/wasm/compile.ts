/**
 * From commands to one WebAssembly module: a variant for each, and one function for all commands that look the same.
 *
 * Dims, params and which optional arguments are given are constants in the code, so they make the function's key; where
 * the arguments lie does not.
 */
import { KernelError } from '../../base/errors.ts';
import type { CpuCaps, CpuVariant, KernelContext } from '../../engine/kernel.ts';
import type { Command } from '../../engine/program.ts';
import { ModuleBuilder } from '../../engine/wasm/module.ts';

/** A command with what the device has chosen for it. */
export interface LinkedCommand {
  readonly command: Command;
  readonly variant: CpuVariant;
  readonly context: KernelContext;
  /** Place in the list of all functions of the device. */
  readonly functionIndex: number;
}

/** The functions that the device's modules hold so far, by key. */
export type KnownFunctions = Map<string, number>;

export interface LinkResult {
  readonly commands: readonly LinkedCommand[];
  /** The new functions' names, in order of their index; empty when all were known. */
  readonly exports: readonly string[];
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * @param known grows by the new functions
 * @throws {KernelError} `noVariant`
 */
export function link(
  commands: readonly Command[],
  caps: CpuCaps,
  isShared: boolean,
  known: KnownFunctions,
): LinkResult {
  const w = new ModuleBuilder({ shared: isShared, maximumPages: 65536 });
  const exports: string[] = [];
  const linked = commands.map((command) => {
    const context = contextOf(command);
    const variant = chooseVariant(command, caps);
    const key = functionKey(command, variant);
    let functionIndex = known.get(key);
    if (functionIndex === undefined) {
      functionIndex = known.size;
      known.set(key, functionIndex);
      const name = `${command.kernel.name}.${variant.name}.${functionIndex}`;
      w.export(name, variant.emit(w, context, caps));
      exports.push(name);
    }
    return { command, variant, context, functionIndex };
  });
  return { commands: linked, exports, bytes: exports.length > 0 ? w.bytes() : undefined };
}

/** What fits here, best first. */
export function fittingVariants(command: Command, caps: CpuCaps): readonly CpuVariant[] {
  const context = contextOf(command);
  return command.kernel.cpu.filter((variant) => variant.when?.(context, caps) ?? true);
}

function contextOf({ dims, params, args }: Command): KernelContext {
  return { dims, params, knobs: {}, has: (arg) => args[arg] !== undefined };
}

function chooseVariant(command: Command, caps: CpuCaps): CpuVariant {
  const { kernel, variant: wanted } = command;
  const fitting = fittingVariants(command, caps);
  const variant = wanted === undefined ? fitting[0] : fitting.find(({ name }) => name === wanted);
  if (variant) return variant;
  const dims = Object.entries(command.dims).map(([name, size]) => `${name} ${size}`);
  const names = kernel.cpu.map(({ name }) => name).join(', ') || 'none';
  throw new KernelError(
    'noVariant',
    `${kernel.name} (${dims.join(', ')}) has no CPU variant${wanted ? ` ${wanted}` : ''} that fits; there is ${names}.`,
  );
}

function functionKey(command: Command, variant: CpuVariant): string {
  const sorted = (record: Readonly<Record<string, number>>): string =>
    Object.keys(record)
      .sort()
      .map((name) => `${name}=${record[name]}`)
      .join();
  const given = Object.keys(command.args).sort().join();
  return `${command.kernel.name} ${variant.name} ${sorted(command.dims)} ${sorted(command.params)} ${given}`;
}
