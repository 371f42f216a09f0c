/**
 * A GPU day: all parts, those that are wanted most first, each a process with a limit of its own. One that hangs, crashes or
 * loses the device costs its limit and no more; when the time is over the rest is left out.
 *
 *   node dist/bench/gpu-day/run.js [--out FOLDER] [--seconds 520] [--only probe,engine] [--small]
 *
 * Rows are in FOLDER/PART.json as soon as they are known, and all of it is in FOLDER.tar.gz after every part.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { repoRoot } from '../../test/support/paths.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'gpu-day' },
    seconds: { type: 'string', default: '520' },
    only: { type: 'string' },
    small: { type: 'boolean', default: false },
  },
});

/** A part is not begun with less than this left. */
const LEAST_SECONDS = 10;
/** A software adapter compiles for minutes, the first time. */
const SMALL_FACTOR = 4;
const PARTS: readonly (readonly [name: string, seconds: number])[] = [
  ['probe', 30],
  ['ceilings', 45],
  ['tokens', 60],
  ['engine', 240],
  ['loading', 40],
  ['conformance', 120],
  ['tune', 120],
  ['variants', 120],
  ['pytorch', 80],
];

const out = resolve(values.out);
const here = dirname(fileURLToPath(import.meta.url));
mkdirSync(out, { recursive: true });
const only = values.only?.split(',');
const ends: Record<string, unknown> = {};
let failed = 0;
for (const [name, limit] of PARTS) {
  if (only && !only.includes(name)) continue;
  const left = Number(values.seconds) - performance.now() / 1000;
  if (left < LEAST_SECONDS) ends[name] = 'left out: no time';
  else {
    const end = await run(name, Math.min(values.small ? SMALL_FACTOR * limit : limit, left));
    ends[name] = end;
    if (end.status !== 0 && name !== 'pytorch') failed++;
  }
  console.log(`== ${(performance.now() / 1000).toFixed(0)} s: ${name} ${JSON.stringify(ends[name])}`);
  writeFileSync(join(out, 'day.json'), `${JSON.stringify(ends, undefined, 1)}\n`);
  spawnSync('tar', ['czf', `${out}.tar.gz`, '-C', dirname(out), basename(out)], { stdio: 'ignore' });
}
process.exitCode = failed > 0 ? 1 : 0;

interface End {
  readonly status: number | string;
  readonly seconds: number;
}

function run(name: string, limitSeconds: number): Promise<End> {
  const small = values.small ? ['--small'] : [];
  const [command, args] =
    name === 'pytorch'
      ? ['python3', [join(repoRoot, 'bench/gpu-day/pytorch.py'), join(out, 'pytorch.json'), ...small]]
      : [process.execPath, [join(here, 'part.js'), name, '--out', out, ...small]];
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(join(out, `${name}.log`));
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      log.write(data);
      if (stream === child.stdout) process.stdout.write(data);
    });
  const timer = setTimeout(() => child.kill('SIGKILL'), 1000 * limitSeconds);
  return new Promise((resolve) => {
    const end = (status: number | string): void => {
      clearTimeout(timer);
      log.end();
      resolve({ status, seconds: Math.round((performance.now() - started) / 100) / 10 });
    };
    child.on('error', (error) => end(String(error)));
    child.on('close', (code, signal) => end(signal ?? code ?? 0));
  });
}
