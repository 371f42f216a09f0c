/** Bundles for browsers by esbuild, as a user's own tools make them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { run } from './children.ts';
import { runtimeFolder } from './runtimes.ts';

export interface BundleFile {
  /** Relative to the folder of the bundle. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Files that it cannot run without. */
  readonly imports: readonly string[];
  /** Modules of the repository and of packages that are in it. */
  readonly inputs: readonly string[];
}

interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly imports: readonly { readonly path: string; readonly kind: string }[];
        readonly inputs: Readonly<Record<string, unknown>>;
      }
    >
  >;
}

/**
 * Bundles one module for browsers, with chunks for what is imported when needed.
 *
 * @param entry  of `dist/`, relative to the root of the repository
 * @param folder empty; gets the files
 */
export async function bundle(entry: string, folder: string): Promise<readonly BundleFile[]> {
  const metafile = join(folder, 'meta.json');
  const esbuild = join(runtimeFolder, 'node_modules/esbuild/bin/esbuild');
  const { output, status } = await run(process.execPath, [
    esbuild,
    entry,
    '--bundle',
    '--splitting',
    '--minify',
    '--format=esm',
    '--platform=browser',
    '--target=es2022',
    '--log-level=warning',
    `--outdir=${folder}`,
    `--metafile=${metafile}`,
  ]);
  assert.is(status, 0, output);
  const { outputs } = JSON.parse(readFileSync(metafile, 'utf8')) as Metafile; // esbuild's own form
  const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  return Object.entries(outputs).map(([path, { imports, inputs }]) => ({
    name: nameOf(path),
    bytes: readFileSync(join(folder, nameOf(path))),
    imports: imports.filter(({ kind }) => kind === 'import-statement').map((one) => nameOf(one.path)),
    inputs: Object.keys(inputs),
  }));
}
