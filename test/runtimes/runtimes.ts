/**
 * Other runtimes that tests start, from this folder's own package.json:
 *
 *   npm ci --prefix test/runtimes --ignore-scripts
 *
 * Each is undefined, and a line says what is skipped, where it is not installed.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../support/paths.ts';

/** Holds the other runtimes' packages. */
export const runtimeFolder: string = join(repoRoot, 'test/runtimes');
const packages = join(runtimeFolder, 'node_modules');

export function denoOrSkip(what: string): string | undefined {
  const scope = join(packages, '@deno');
  const builds = existsSync(scope) ? readdirSync(scope) : [];
  const binaries = builds.flatMap((build) => [join(scope, build, 'deno'), join(scope, build, 'deno.exe')]);
  return binaries.find(existsSync) ?? skip(what, 'Deno');
}

export function node24OrSkip(what: string): string | undefined {
  const binary = join(packages, `node-linux-${process.arch}`, 'bin/node');
  return existsSync(binary) ? binary : skip(what, 'Node 24');
}

/** A script of a package of this folder, for Node: `vite/bin/vite.js`. */
export function toolOrSkip(what: string, script: string): string | undefined {
  const path = join(packages, script);
  return existsSync(path) ? path : skip(what, script.split('/')[0]!);
}

/** `$CHROMIUM`, or the browser where distributions put it. */
export function chromiumOrSkip(what: string): string | undefined {
  if (!existsSync(join(packages, 'playwright-core'))) return skip(what, 'playwright-core');
  const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = [process.env.CHROMIUM ?? '', ...places].find((place) => place !== '' && existsSync(place));
  if (!found) console.log(`skipped ${what}: no Chromium on this machine (CHROMIUM names another place)`);
  return found;
}

function skip(what: string, runtime: string): undefined {
  console.log(`skipped ${what}: no ${runtime} here (npm ci --prefix test/runtimes --ignore-scripts)`);
  return undefined;
}
