/** The sources as a graph: which file imports which, at run time or for types alone, and where that makes a circle. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { repoRoot } from './paths.ts';

export interface Import {
  /** Path from the root of the repository. */
  readonly from: string;
  /** The same, or the name of a package. */
  readonly to: string;
  /** Nothing of it is left in the emitted JavaScript. */
  readonly isType: boolean;
}

const NAMES = String.raw`\{[^}]*\}|\*(?:\s+as\s+\w+)?`;
const STATEMENT = new RegExp(
  String.raw`^(?:import|export)\s+(type\s+)?(?:(?:(?:\w+\s*,\s*)?(?:${NAMES})|\w+)\s+from\s+)?'([^']+)'`,
  'gm',
);
const CALL = /(typeof\s+)?\bimport\('([^']+)'\)(\.[A-Z])?/g;

/**
 * The imports in the text of one file, as our formatter lays them out.
 *
 * `import { type A } from './a.ts'` counts as one at run time: TypeScript emits `import {} from './a.js'` for it.
 *
 * @param from path of the file from the root of the repository
 */
export function importsOf(from: string, text: string): Import[] {
  const found = [
    ...[...text.matchAll(STATEMENT)].map(([, type, name]) => ({ name: name!, isType: type !== undefined })),
    ...[...text.matchAll(CALL)].map(([, typeOf, name, member]) => ({
      name: name!,
      isType: typeOf !== undefined || member !== undefined,
    })),
  ];
  return found.map(({ name, isType }) => ({
    from,
    to: name.startsWith('.') ? posix.join(posix.dirname(from), name) : name,
    isType,
  }));
}

/** The imports of all TypeScript files in folders of the repository. */
export function readImports(...folders: readonly string[]): Import[] {
  return folders.flatMap((folder) =>
    readdirSync(join(repoRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .flatMap((file) => importsOf(posix.join(folder, file), readFileSync(join(repoRoot, folder, file), 'utf8'))),
  );
}

/**
 * Files that import one another in a circle, directly or by others: the strongly connected components, each sorted.
 *
 * @see Tarjan, Depth-first search and linear graph algorithms, 1972
 */
export function circles(edges: readonly Import[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const found: string[][] = [];
  const numbers = new Map<string, number>();
  const stack: string[] = [];
  /** @returns the lowest number on the stack that can be reached from `file` */
  const visit = (file: string): number => {
    const own = numbers.size;
    numbers.set(file, own);
    stack.push(file);
    let lowest = own;
    for (const to of next.get(file) ?? []) {
      const known = numbers.get(to);
      if (known === undefined) lowest = Math.min(lowest, visit(to));
      else if (stack.includes(to)) lowest = Math.min(lowest, known);
    }
    if (lowest === own) {
      const members = stack.splice(stack.indexOf(file));
      if (members.length > 1 || next.get(file)?.includes(file)) found.push(members.sort());
    }
    return lowest;
  };
  for (const file of next.keys()) if (!numbers.has(file)) visit(file);
  return found.sort();
}
