/** The site's service worker, which has the list of all files of the site in it, and a hash of them: it is built last. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { build } from 'esbuild';

const ENTRY = 'dist/web/offline/serviceWorker.js';
const NAME = 'serviceWorker.js';

/** Not kept on every visitor's machine: for those who look inside, or read; models are kept when they are used. */
const LEFT_OUT = /\.map$|^(docs|models)\//;

/**
 * @param root of the repository
 * @param folder of the site, with all other files in it
 */
export async function buildServiceWorker(root: string, folder: string): Promise<void> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile())
    .map((file) => file.split(sep).join('/'))
    .filter((file) => file !== NAME && !LEFT_OUT.test(file))
    .sort();
  const hash = createHash('sha256');
  for (const file of files) {
    const bytes = readFileSync(join(folder, file));
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  // A page is asked for by its folder: some hosts send who asks for index.html there.
  const paths = files.map((file) => file.replace(/(^|\/)index\.html$/, '$1'));
  await build({
    entryPoints: [ENTRY],
    outfile: join(folder, NAME),
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    define: { SITE_FILES: JSON.stringify(paths), SITE_VERSION: JSON.stringify(hash.digest('hex').slice(0, 16)) },
    logLevel: 'warning',
  });
}
