/** A project as a user has it: sotto packed and installed, with other packages of the registry. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../support/paths.ts';

export interface Project {
  readonly folder: string;
  /** What `npm publish` would send. */
  readonly tarball: string;
}

/** For what is fetched once and used again: in the repository, where git ignores it. */
export function keptFolder(name: string): string {
  return join(repoRoot, '.cache/projects', name);
}

/**
 * @param folder   of the project; what was installed there before is used again. Outside of the repository, whose own packages
 *   would be found from within
 * @param packages as npm takes them, e.g. `vite@8`
 * @throws if the registry cannot be reached and npm has not kept what is needed
 */
export function fetchProject(folder: string, packages: readonly string[] = []): Project {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  const tarball = succeed(
    'npm',
    ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder],
    repoRoot,
  ).trim();
  const quiet = ['--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock', '--prefer-offline'];
  rmSync(join(folder, 'node_modules/sotto'), { recursive: true, force: true });
  succeed('npm', ['install', ...quiet, '--omit=optional', join(folder, tarball)], folder);
  if (packages.length > 0) succeed('npm', ['install', ...quiet, ...packages], folder);
  return { folder, tarball: join(folder, tarball) };
}

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program to its end. `undefined` in `env` removes a variable. */
export function start(
  program: string,
  args: readonly string[],
  cwd: string,
  variables: Readonly<Record<string, string | undefined>> = {},
): Outcome {
  const env = { ...process.env, NO_COLOR: '1', NEXT_TELEMETRY_DISABLED: '1', ...variables };
  const { status, stdout, stderr } = spawnSync(program, [...args], { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 28 });
  return { status, output: `${stdout}${stderr}` };
}

function succeed(program: string, args: readonly string[], cwd: string): string {
  const { status, output } = start(program, args, cwd);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${output}`);
  return output;
}
