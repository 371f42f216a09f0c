/**
 * A step of the build: makes the declarations (`dist/**\/*.d.ts`) readable for every TypeScript from 5.6 on, whatever types a
 * project has (the DOM's, Node's, both or none), with `skipLibCheck: false`.
 *
 * - A name of the runtime's (`Blob`, `GPU` ...) becomes what `globalThis` has under it, else `never`: a project without the
 *   type has no such value either.
 * - `Uint8Array<ArrayBuffer>`, of which TypeScript 5.6 knows nothing, is written as what `slice` returns: the same since 5.7.
 */
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Names that not every project has; each is a class of the runtime. */
const GLOBALS = ['AbortSignal', 'Blob', 'Headers', 'ReadableStream', 'Response', 'URL', String.raw`GPU\w*`];
const GLOBAL = new RegExp(String.raw`(?<![\w.'"$])(${GLOBALS.join('|')})\b(?!['":?])`, 'g');
const WASM = /\bWebAssembly\.(\w+)/g;
const BUFFER = /\b(\w+Array)<ArrayBuffer>/g;
const ANY_BUFFER = /\b(\w+Array)<ArrayBufferLike>/g;
const DISPOSE = 'typeof Symbol.asyncDispose';
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*/g;

/** @param text of a declaration file; done twice it changes nothing more */
export function portable(text: string): string {
  const code = text.replace(COMMENT, (comment) => ' '.repeat(comment.length));
  const aliases = new Map<string, string>();
  const edits: { readonly begin: number; readonly end: number; readonly to: string }[] = [];
  const edit = (pattern: RegExp, to: (match: RegExpExecArray) => string): void => {
    for (const match of code.matchAll(pattern))
      edits.push({ begin: match.index, end: match.index + match[0].length, to: to(match) });
  };
  for (const [, name = ''] of code.matchAll(GLOBAL)) {
    // A type of the file's own, or one that an earlier build has added.
    if (new RegExp(String.raw`\b(interface|class|type) ${name}\b`).test(code)) continue;
    aliases.set(name, `type ${name} = typeof globalThis extends { ${name}: { prototype: infer T } } ? T : never;`);
  }
  edit(WASM, ([, name]) => {
    const alias = `WebAssembly${name}`;
    aliases.set(
      alias,
      `type ${alias} = typeof globalThis extends { WebAssembly: { ${name}: { prototype: infer T } } } ? T : never;`,
    );
    return alias;
  });
  edit(BUFFER, ([, name]) => `ReturnType<${name}['slice']>`);
  edit(ANY_BUFFER, ([, name = '']) => name);
  edit(new RegExp(DISPOSE.replace('.', '\\.'), 'g'), () => {
    aliases.set('withoutDispose', 'declare const withoutDispose: unique symbol;');
    return 'typeof Symbol extends { readonly asyncDispose: infer T extends symbol } ? T : typeof withoutDispose';
  });
  if (aliases.size === 0 && edits.length === 0) return text;
  let out = text;
  for (const { begin, end, to } of edits.sort((a, b) => b.begin - a.begin))
    out = out.slice(0, begin) + to + out.slice(end);
  if (aliases.size === 0) return out;
  const added = `${[...aliases.values()].join('\n')}\nexport {};\n`;
  const map = out.lastIndexOf('//# sourceMappingURL');
  return map < 0 ? `${out}${added}` : `${out.slice(0, map)}${added}${out.slice(map)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = fileURLToPath(new URL('../../dist', import.meta.url));
  for (const folder of ['src', 'weights']) {
    for (const file of readdirSync(join(dist, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.d.ts')) continue;
      const path = join(dist, folder, file);
      const before = readFileSync(path, 'utf8');
      const after = portable(before);
      if (after === before) continue;
      // The compiler goes by the time: with a new one it would build again what depends on this file.
      const { atime, mtime } = statSync(path);
      writeFileSync(path, after);
      utimesSync(path, atime, mtime);
    }
  }
}
