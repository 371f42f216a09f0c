/**
 * Does memory stay flat? Twenty transcriptions in one process; resident memory after each. Ends with 1 if it grows by
 * more than 5 % after the third, or if the process does not end by itself after close().
 *
 *   node --expose-gc dist/bench/memory.js [cpu|webgpu] [times] [recording] [model]
 */
import { join } from 'node:path';
import { load } from '../src/index.node.ts';
import { repoRoot } from '../test/support/paths.ts';

const [device = 'cpu', times = '20', recording = join(repoRoot, 'assets/jfk.wav'), model = 'tiny'] =
  process.argv.slice(2);
if (device !== 'cpu' && device !== 'webgpu') throw new Error(`${device} is neither cpu nor webgpu`);

const whisper = await load(model, { device });
console.log(`${model} on ${whisper.device.kind}: ${whisper.device.description}; Node ${process.version}`);
console.log('run  seconds  resident MB  heap MB  outside heap MB');
const resident: number[] = [];
for (let run = 1; run <= Number(times); run++) {
  const start = performance.now();
  await whisper.transcribe(recording, { temperature: 0, language: 'en' });
  const seconds = (performance.now() - start) / 1000;
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  resident.push(rss);
  const cells = [String(run), seconds.toFixed(2), ...[rss, heapUsed, external].map((n) => (n / 1e6).toFixed(1))];
  console.log(cells.map((cell, i) => cell.padStart([3, 8, 12, 8, 16][i] ?? 0)).join(' '));
}
await whisper.close();
const settled = resident[2] ?? resident.at(-1) ?? 0;
const growth = (resident.at(-1) ?? 0) / settled - 1;
console.log(`growth after the third: ${(100 * growth).toFixed(1)} %`);
if (growth > 0.05) process.exitCode = 1;
// Keeps nothing alive itself: it speaks only if something else does.
setTimeout(() => {
  console.log('the process did not end by itself');
  process.exit(1);
}, 10_000).unref();
