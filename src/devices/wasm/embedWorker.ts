/** A step of the build, run after the compiler: puts the compiled text of worker.ts into workerText.js. */
import { readFileSync, writeFileSync } from 'node:fs';

const fileUrl = (name: string): URL => new URL(name, import.meta.url);

const compiled = readFileSync(fileUrl('./worker.js'), 'utf8').replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n');
// Comments and indentation would be a third of what a page loads of it.
const bare = compiled
  .replace(/^\s*\/\*\*[\s\S]*?\*\/\n/gm, '')
  .replace(/^\s*\/\/.*\n/gm, '')
  .replace(/^ +/gm, '');
const script = bare.replace(/^export function runWorker/m, 'function runWorker').replace(/^export \{\};\n/m, '');
if (script === bare || /^(import|export)\b/m.test(script)) {
  throw new Error('worker.ts must export runWorker alone and import nothing but types');
}
const target = fileUrl('./workerText.js');
const before = readFileSync(target, 'utf8');
const after = before.replace(
  /WORKER_TEXT = .*;/,
  () => `WORKER_TEXT = ${JSON.stringify(`${script}runWorker(self);\n`)};`,
);
if (after === before && !before.includes('runWorker(self)')) throw new Error('workerText.ts has no place for the text');
writeFileSync(target, after);
