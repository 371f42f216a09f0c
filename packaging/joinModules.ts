/**
 * A step of the build: the modules of the command in a few files, `dist/command/*.js`, since Node takes half a millisecond
 * for each file that it imports, and they are three hundred. As a library sotto stays as the compiler wrote it.
 *
 * What the compiler wrote is regular: `import` and `export` stand at the start of a line, and a module is in no circle. So a
 * module becomes a function that returns its exports and is called once, when it is first wanted:
 *
 *     import { a } from './x.js';           const { a } = $use("src/base/x.js");
 *     export function b() {}           ->   function b() {}
 *                                           return { b };
 *     await import('./y.js')                await $load("src/base/y.js")
 *
 * Lines stay lines, so the source map of a file is that of its modules, one below the other.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file to write, and the modules that are in it with all that they import, unless a file before has them. */
export interface Part {
  readonly file: string;
  readonly roots: readonly string[];
}

/** The command from the first line to the last that it writes needs the first two files; what is rare is in the last. */
const PARTS: readonly Part[] = [
  { file: 'sotto.js', roots: ['src/cli/main.js'] },
  {
    file: 'transcribe.js',
    roots: [
      'src/cli/commands/transcribe.js',
      'src/checkpoint/unpackJsonCache.js',
      'src/devices/wasm/device.js',
      'src/kernels/wasm.js',
    ],
  },
  { file: 'codecs.js', roots: ['src/audio/codecs/readEncoded.js', 'src/audio/resample/wasmMachine.js'] },
  { file: 'others.js', roots: [] },
];

export interface Module {
  readonly name: string;
  readonly lines: readonly string[];
  /** Modules that it needs to run. */
  readonly imports: readonly string[];
  /** Modules that it may load later. */
  readonly loads: readonly string[];
  /** Of packages, not of Node. */
  readonly packages: readonly string[];
}

const IMPORT = /^import (?:(\w+)|(\* as \w+)|\{ (.*) \}) from '([^']+)';$/;
const REEXPORT = /^export (?:(\*)|\{ (.*) \}) from '([^']+)';$/;
const EXPORT = /^export (?=((?:async )?function\*?|class|const) (\w+))/;

/**
 * @param name of the module, a path from the root; other modules get theirs from it
 * @param text as the compiler writes it
 * @throws on what it does not know
 */
export function parseModule(name: string, text: string): Module {
  const imports: string[] = [];
  const packages: string[] = [];
  const loads: string[] = [];
  const exported: string[] = [];
  const nameOf = (from: string): string => join(dirname(name), from);
  const used = (from: string): string => {
    if (from.startsWith('.')) imports.push(nameOf(from));
    else if (!from.startsWith('node:')) packages.push(from);
    else return `$require('${from}')`;
    return from.startsWith('.') ? `$use('${nameOf(from)}')` : packageName(from);
  };
  const lines = text
    .replace(/\n\/\/# sourceMappingURL=.*\n?$/, '')
    .split('\n')
    .map((line) => {
      if (/^#!|^export \{\};$/.test(line)) return '';
      const [, one, all, named = '', from] = IMPORT.exec(line) ?? [];
      if (from !== undefined) {
        const value = used(from);
        if (one !== undefined) return `const ${one} = ${from.startsWith('node:') ? value : `${value}.default`};`;
        return all === undefined
          ? `const { ${named.replace(/ as /g, ': ')} } = ${value};`
          : `const ${all.slice(5)} = ${value};`;
      }
      const [, star, names = '', source] = REEXPORT.exec(line) ?? [];
      if (source !== undefined) {
        const value = used(source);
        if (star) exported.push(`...${value}`);
        for (const item of star ? [] : names.split(/, ?/).filter(Boolean)) {
          const [inner = '', outer = inner] = item.split(' as ');
          exported.push(`${outer}: ${value}.${inner}`);
        }
        return '';
      }
      const [, , declared] = EXPORT.exec(line) ?? [];
      if (declared !== undefined) exported.push(declared);
      else if (/^(import|export)\b(?!\()/.test(line)) throw new Error(`${name}: ${line}`);
      return line
        .replace(EXPORT, '')
        .replace(/\bimport\('(\.[^']+)'\)/g, (_, later: string) => {
          loads.push(nameOf(later));
          return `$load('${nameOf(later)}')`;
        })
        .replace(/\bimport\.meta\.url\b/g, `$url('${name}')`);
    });
  return { name, lines: [...lines, `return { ${exported.join(', ')} };`], imports, loads, packages };
}

/** Modules by the file that they go into. @param read the text of a module */
export function divide(parts: readonly Part[], read: (name: string) => string): ReadonlyMap<string, readonly Module[]> {
  const known = new Map<string, Module>();
  const later: string[] = [];
  const add = (name: string, into: Module[]): void => {
    if (known.has(name)) return;
    const module = parseModule(name, read(name));
    known.set(name, module);
    for (const each of module.imports) add(each, into);
    later.push(...module.loads);
    into.push(module);
  };
  const divided = new Map<string, Module[]>();
  for (const { file, roots } of parts) {
    const modules: Module[] = [];
    divided.set(file, modules);
    for (const root of roots) add(root, modules);
  }
  const last = [...divided.values()].at(-1) ?? [];
  for (let name = later.shift(); name !== undefined; name = later.shift()) add(name, last);
  return divided;
}

/** Of each module that is loaded later, the files that have it and all that it imports. */
export function filesToLoad(divided: ReadonlyMap<string, readonly Module[]>): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, { readonly file: string; readonly module: Module }>();
  for (const [file, modules] of divided) for (const module of modules) places.set(module.name, { file, module });
  const reach = (name: string, seen: Set<string>): Set<string> => {
    if (!seen.has(name)) {
      seen.add(name);
      for (const each of places.get(name)?.module.imports ?? []) reach(each, seen);
    }
    return seen;
  };
  const targets = new Set([...places.values()].flatMap(({ module }) => module.loads));
  return new Map(
    [...targets].map((target) => {
      const files = [...reach(target, new Set())].map((name) => places.get(name)?.file);
      return [target, [...divided.keys()].filter((file) => files.includes(file))];
    }),
  );
}

/** What modules are called with. It stands in the first file, which the others do not import: that one waits for them. */
const RUNTIME = `import { createRequire as $createRequire } from 'node:module';
const $require = $createRequire(import.meta.url);
const $url = (name) => new URL('../' + name, import.meta.url).href;
const $modules = {};
const $made = {};
function $use(name) {
  $made[name] ??= $modules[name]($use, $load, $require, $url);
  return $made[name];
}
async function $load(name) {
  for (const file of $made[name] ? [] : $files[name]) Object.assign($modules, (await import(file)).$modules);
  return $use(name);
}`;

/** Under which a file has the exports of a package. */
function packageName(name: string): string {
  return `$${name.replace(/\W/g, '_')}`;
}

interface Section {
  readonly offset: { readonly line: number; readonly column: number };
  readonly map: unknown;
}

/** Writes all files. @param dist the compiler's folder */
function writeParts(dist: string): void {
  const folder = join(dist, 'command');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const divided = divide(PARTS, (name) => readFileSync(join(dist, name), 'utf8'));
  const [main = ''] = divided.keys();
  for (const [file, modules] of divided) {
    const packages = [...new Set(modules.flatMap((module) => module.packages))];
    const lines = packages.map((name) => `import * as ${packageName(name)} from '${name}';`);
    if (file === main) {
      lines.unshift('#!/usr/bin/env node');
      const files = [...filesToLoad(divided)].map(([name, own]) => {
        return [name, own.filter((each) => each !== main).map((each) => `./${each}`)];
      });
      lines.push(...RUNTIME.split('\n'));
      lines.push(`const $files = ${JSON.stringify(Object.fromEntries(files))};`);
      lines.push('Object.assign($modules, {');
    } else lines.push('export const $modules = {');
    const sections: Section[] = [];
    const place = (module: Module): void => {
      const map = JSON.parse(readFileSync(join(dist, `${module.name}.map`), 'utf8')) as Record<string, unknown>;
      const root = relative(folder, dirname(join(dist, module.name)));
      const sources = (map.sources as readonly string[]).map((source) => join(root, source));
      sections.push({
        offset: { line: lines.length, column: 0 },
        map: { version: 3, sources, names: map.names, mappings: map.mappings },
      });
    };
    const [entry] = file === main ? modules.slice(-1) : [];
    for (const module of modules) {
      if (module === entry) continue;
      lines.push(`'${module.name}': (($use, $load, $require, $url) => {`);
      place(module);
      lines.push(...module.lines, '}),');
    }
    lines.push(file === main ? '});' : '};');
    if (entry) {
      place(entry);
      lines.push(...entry.lines.slice(0, -1));
    }
    lines.push(`//# sourceMappingURL=${file}.map`, '');
    const path = join(folder, file);
    writeFileSync(path, lines.join('\n'));
    writeFileSync(`${path}.map`, JSON.stringify({ version: 3, file, sections }));
    if (file === main) chmodSync(path, 0o755);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeParts(fileURLToPath(new URL('..', import.meta.url)));
