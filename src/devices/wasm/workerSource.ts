/**
 * What a worker of the CPU device runs, as the text of a script: a script needs no file beside the bundle, and no second
 * origin's consent. Where the build has not filled in that text, the script imports the module, and keeps the messages that
 * come before it is there.
 */
import { WORKER_TEXT } from './workerText.ts';

export function workerSource(): string {
  if (WORKER_TEXT !== '') return WORKER_TEXT;
  // Not by `new URL`: bundlers look for the file that it names.
  const module = import.meta.url.replace(/[^/]*$/, 'worker.ts');
  return `
const early = [];
self.onmessage = (event) => early.push(event);
import(${JSON.stringify(module)}).then(({ runWorker }) => {
  runWorker(self);
  for (const event of early) self.onmessage(event);
});`;
}
