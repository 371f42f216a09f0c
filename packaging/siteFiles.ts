/** The site's files by esbuild: a folder that any static host can serve, below any path. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { escapeXml } from '../src/base/xml.ts';
import { buildServiceWorker } from './serviceWorkerFile.ts';
import { addModels } from './siteModels.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = join(root, 'web');

/** Where `npm run site` puts them. */
export const siteFolder: string = join(root, 'dist/site');

interface SitePage {
  /** Below `web`. */
  readonly html: string;
  /** Below the site's folder: empty, or with a slash at its end. */
  readonly folder: string;
  /** What the HTML names in braces, and the module or sheet that it is built from. */
  readonly entries: Readonly<Record<string, string>>;
}

const PAGES: readonly SitePage[] = [
  {
    html: 'page/index.html',
    folder: '',
    entries: {
      script: 'dist/web/page/main.js',
      styles: 'web/page/page.css',
      // They run beside the page: in a worker, in the audio thread.
      engine: 'dist/web/page/engine/worker.js',
      capture: 'dist/web/page/engine/capture.js',
    },
  },
  {
    html: 'lab/index.html',
    folder: 'lab/',
    entries: {
      script: 'dist/web/lab/main.js',
      styles: 'web/lab/lab.css',
      engine: 'dist/web/lab/engine/worker.js',
      inspector: 'dist/web/lab/inspect/worker.js',
    },
  },
];

/**
 * @param folder is emptied first
 * @param models folders of models that the site is to have beside it
 */
export async function buildSite(folder: string = siteFolder, models: readonly string[] = []): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const offered = JSON.stringify(addModels(join(folder, 'models'), models));
  const { metafile } = await build({
    entryPoints: PAGES.flatMap(({ entries }) => Object.values(entries)),
    outdir: join(folder, 'assets'),
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    metafile: true,
    sourcemap: true,
    logLevel: 'warning',
  });
  const built = new Map(Object.entries(metafile.outputs).map(([path, { entryPoint }]) => [entryPoint, basename(path)]));
  for (const page of PAGES) {
    mkdirSync(join(folder, page.folder), { recursive: true });
    writeFileSync(join(folder, page.folder, 'index.html'), htmlOf(page, built, offered));
  }
  // What the bench view times unless another recording is chosen.
  copyFileSync(join(root, 'assets/jfk.wav'), join(folder, 'jfk.wav'));
  const files = join(sources, 'static');
  for (const name of readdirSync(files)) copyFileSync(join(files, name), join(folder, name));
  writeFileSync(join(folder, 'licences.txt'), licences(Object.keys(metafile.inputs)));
  await buildServiceWorker(root, folder);
}

/**
 * @param built  source of each entry -> name of its file in `assets`
 * @param models JSON, for an attribute
 */
function htmlOf(
  { html, folder, entries }: SitePage,
  built: ReadonlyMap<string | undefined, string>,
  models: string,
): string {
  const up = folder.replace(/[^/]+\//g, '../');
  return readFileSync(join(sources, html), 'utf8').replace(/\{(\w+)\}/g, (_, name: string) => {
    if (name === 'models') return escapeXml(models);
    const file = built.get(entries[name] ?? '');
    if (file === undefined) throw new Error(`${html} names {${name}}, of which nothing was built`);
    return `${up}assets/${file}`;
  });
}

/** Of sotto with what it always has in it, and of the other packages in the site. @param inputs files that were joined */
function licences(inputs: readonly string[]): string {
  const packages = new Set(inputs.flatMap((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? []));
  const own = ['LICENSE', 'THIRD-PARTY-NOTICES.md'].map((name) => readFileSync(join(root, name), 'utf8'));
  const unnamed = [...packages].filter((name) => !own.join('\n').includes(name)).sort();
  const others = unnamed.map((name) => {
    const folder = join(root, 'node_modules', name);
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined) throw new Error(`${name} has no licence beside it`);
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    // Some licences (MPL) ask that it is said where the source is.
    const source = `Its source: https://www.npmjs.com/package/${name}/v/${version}`;
    return `${name}\n${source}\n\n${readFileSync(join(folder, file), 'utf8')}`;
  });
  return [...own, ...others].map((text) => text.trim()).join(`\n\n${'-'.repeat(80)}\n\n`);
}
