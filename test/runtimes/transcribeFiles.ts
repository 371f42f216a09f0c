/**
 * A program for Node and Deno: transcribes files by the runtime's own entry point and prints a line of JSON for each.
 * Nothing makes it end but `close()`.
 *
 *   node dist/test/runtimes/transcribeFiles.js MODEL_FOLDER cpu|webgpu FILE...
 */
import process from 'node:process';
import type { NodeLoadOptions } from '../../src/index.node.ts';
import type { TranscribedFile } from './page.ts';

const entry = process.versions.deno ? '../../src/index.deno.ts' : '../../src/index.node.ts';
// Both entry points have this function.
const { load } = (await import(entry)) as typeof import('../../src/index.node.ts');
const [folder, device, ...paths] = process.argv.slice(2);
if (folder === undefined || (device !== 'cpu' && device !== 'webgpu'))
  throw new Error('MODEL_FOLDER cpu|webgpu FILE...');

const options: NodeLoadOptions = { device };
const whisper = await load(folder, options);
for (const path of paths) {
  const { segments, text } = await whisper.transcribe(path, { temperature: 0 });
  const line: TranscribedFile = {
    path,
    device: whisper.device.description,
    tokens: segments.flatMap((segment) => segment.tokens),
    text,
  };
  console.log(JSON.stringify(line));
}
await whisper.close();
