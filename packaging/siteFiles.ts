/** The site's files by esbuild: a folder that any static host can serve, below any path. */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = join(root, 'web');

/** Where `npm run site` puts them. */
export const siteFolder: string = join(root, 'dist/site');

/** What `web/page/index.html` names in braces, and the module or sheet that it is built from. */
const ENTRIES: Readonly<Record<string, string>> = {
  script: 'dist/web/page/main.js',
  styles: 'web/page/page.css',
  // They run beside the page: in a worker, in the audio thread.
  engine: 'dist/web/page/engine/worker.js',
  capture: 'dist/web/page/engine/capture.js',
};

/** @param folder is emptied first */
export async function buildSite(folder: string = siteFolder): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: Object.values(ENTRIES),
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
  const html = readFileSync(join(sources, 'page/index.html'), 'utf8').replace(/\{(\w+)\}/g, (_, name: string) => {
    const file = built.get(ENTRIES[name] ?? '');
    if (file === undefined) throw new Error(`the page names {${name}}, of which nothing was built`);
    return `assets/${file}`;
  });
  writeFileSync(join(folder, 'index.html'), html);
  // What the bench view times unless another recording is chosen.
  copyFileSync(join(root, 'assets/jfk.wav'), join(folder, 'jfk.wav'));
  const files = join(sources, 'static');
  for (const name of readdirSync(files)) copyFileSync(join(files, name), join(folder, name));
  writeFileSync(join(folder, 'licences.txt'), licences(Object.keys(metafile.inputs)));
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
    return `${name}\n\n${readFileSync(join(folder, file), 'utf8')}`;
  });
  return [...own, ...others].map((text) => text.trim()).join(`\n\n${'-'.repeat(80)}\n\n`);
}
