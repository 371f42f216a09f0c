/**
 * A project as a user has it, for the programs of this folder: sotto packed and installed, with other packages of the registry, in
 * `.cache/projects` of the repository, which git ignores.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../support/paths.ts';

/**
 * @param name     of the folder; what was installed there before is used again
 * @param packages as npm takes them, e.g. `vite@8`
 * @returns the folder
 */
export function fetchProject(name: string, packages: readonly string[]): string {
  const folder = join(repoRoot, '.cache/projects', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  const tarball = succeed(
    'npm',
    ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder],
    repoRoot,
  ).trim();
  const quiet = ['--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
  rmSync(join(folder, 'node_modules/sotto'), { recursive: true, force: true });
  succeed('npm', ['install', ...quiet, '--omit=optional', join(folder, tarball)], folder);
  succeed('npm', ['install', ...quiet, ...packages], folder);
  return folder;
}

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

export function start(program: string, args: readonly string[], cwd: string): Outcome {
  const env = { ...process.env, NO_COLOR: '1', NEXT_TELEMETRY_DISABLED: '1' };
  const { status, stdout, stderr } = spawnSync(program, [...args], { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 28 });
  return { status, output: `${stdout}${stderr}` };
}

function succeed(program: string, args: readonly string[], cwd: string): string {
  const { status, output } = start(program, args, cwd);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${output}`);
  return output;
}
