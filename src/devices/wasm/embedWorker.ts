/**
 * A step of the build, run after the compiler: puts the compiled text of worker.ts into workerText.js, in as few bytes as it takes,
 * since no bundler makes text in quotes smaller, and every page on the CPU loads it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { transformSync } from 'esbuild';

const fileUrl = (name: string): URL => new URL(name, import.meta.url);

const compiled = readFileSync(fileUrl('./worker.js'), 'utf8').replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n');
const script = compiled.replace(/^export function runWorker/m, 'function runWorker').replace(/^export \{\};\n/m, '');
if (script === compiled || /^(import|export)\b/m.test(script)) {
  throw new Error('worker.ts must export runWorker alone and import nothing but types');
}
const { code } = transformSync(`${script}runWorker(self);\n`, { minify: true, format: 'iife', target: 'es2022' });
const target = fileUrl('./workerText.js');
const before = readFileSync(target, 'utf8');
const after = before.replace(/WORKER_TEXT = .*;/, () => `WORKER_TEXT = ${JSON.stringify(code)};`);
if (!after.includes(JSON.stringify(code))) throw new Error('workerText.ts has no place for the text');
writeFileSync(target, after);
