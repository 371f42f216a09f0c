/**
 * A use of a kernel as a case: values to run it with. Real arguments are random; tables, which say where to read, are those of
 * one of the kernel's own cases.
 */
import { storageType } from '../../engine/dtype.ts';
import { type KernelCase, type KernelModule, storageTypes } from '../../engine/kernel.ts';
import type { Command } from '../../engine/program.ts';
import type { StorageChoice } from '../checkKernel.ts';

/** Sizes of the tables themselves, which are the case's. */
const OF_TABLES = ['slots', 'sets', 'searchRows', 'sourceRows'];

/** @param rows all of them live @returns undefined where no case has tables for these sizes */
export function caseOfUse(module: KernelModule, command: Command, rows: number): KernelCase | undefined {
  const { dims, params, args } = command;
  const given = Object.keys(args);
  const optional = given.filter((name) => module.kernel.args[name]?.optional);
  const tables = given.filter((name) => storageType(args[name]!.dtype).values !== 'real');
  const own = { ...dims, ...(dims.rows !== undefined && { rows }) };
  if (tables.every((name) => module.kernel.args[name]?.access === 'write')) return { dims: own, params, optional };
  const template = module.cases.find(
    (kase) =>
      (kase.optional === undefined || optional.every((name) => kase.optional?.includes(name))) &&
      tables.every((name) => hasTable(module, kase, command, name)),
  );
  if (!template) return undefined;
  const ofTables = OF_TABLES.flatMap((name) => {
    const size = template.dims[name];
    return size === undefined || dims[name] === undefined ? [] : [[name, size]];
  });
  return { dims: { ...own, ...Object.fromEntries(ofTables) }, params, optional, fill: template.fill ?? {} };
}

/** Has the case a table of the same shape, but for rows and how many there are? */
function hasTable({ kernel }: KernelModule, kase: KernelCase, { dims }: Command, name: string): boolean {
  return (kernel.args[name]?.dims ?? []).every((dim) => {
    if (typeof dim === 'number' || dim === 'rows' || OF_TABLES.includes(dim)) return true;
    return kase.dims[dim] === dims[dim];
  });
}

/** Of the arguments that may have several. */
export function storageOf({ kernel, args }: Command): StorageChoice {
  const varied = Object.entries(args).filter(([name]) => storageTypes(kernel.args[name]!).length > 1);
  return Object.fromEntries(varied.map(([name, { dtype }]) => [name, dtype]));
}
