/** The site's files by esbuild: a folder that any static host can serve, below any path. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const dist = fileURLToPath(new URL('..', import.meta.url));
const sources = join(dist, '../web');

/** Where `npm run site` puts them. */
export const siteFolder: string = join(dist, 'site');

/** Files that run beside a page: in a worker, in the audio thread. The page's HTML names them, by their place in `web`. */
const BESIDE = ['page/engine/worker', 'page/engine/capture'] as const;

/** The views: folder of `web`, address below the site. */
const VIEWS = [
  { name: 'page', path: '' },
  { name: 'lab', path: 'lab' },
] as const;

/** @param folder is emptied first */
export async function buildSite(folder: string = siteFolder): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: [
      ...VIEWS.flatMap(({ name }) => [
        { in: join(dist, `web/${name}/main.js`), out: name },
        { in: join(sources, `${name}/${name}.css`), out: name },
      ]),
      ...BESIDE.map((file) => ({ in: join(dist, `web/${file}.js`), out: basename(file) })),
    ],
    outdir: join(folder, 'assets'),
    absWorkingDir: join(dist, '..'),
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    metafile: true,
    sourcemap: true,
    logLevel: 'warning',
  });
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, { entryPoint }]) => [
      entryPoint && relative(join(dist, '..'), join(dist, '..', entryPoint)),
      basename(path),
    ]),
  );
  for (const { name, path } of VIEWS) {
    const up = path === '' ? '' : '../';
    const asset = (entry: string): string => `${up}assets/${outputs.get(entry) ?? missing(entry)}`;
    const html = readFileSync(join(sources, name, 'index.html'), 'utf8')
      .replace('{script}', asset(`dist/web/${name}/main.js`))
      .replace('{styles}', asset(`web/${name}/${name}.css`))
      .replace(/\{beside:(.+?)\}/g, (_, file: string) => asset(`dist/web/${file}.js`));
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, 'index.html'), html);
  }
  // What the bench view times unless another recording is chosen.
  copyFileSync(join(dist, '../assets/jfk.wav'), join(folder, 'jfk.wav'));
  const files = join(sources, 'static');
  for (const name of readdirSync(files)) copyFileSync(join(files, name), join(folder, name));
}

function missing(entry: string): never {
  throw new Error(`esbuild made nothing of ${entry}`);
}
