/**
 * A step of the build: `dist/cdn/sotto.min.js`, all that a page needs in one module, for `<script type="module">` without tools.
 * It names no other file (workers start from Blobs, WebAssembly is emitted or in it), so it may come from another origin.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Our own package.json.
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };

await build({
  entryPoints: { 'sotto.min': join(root, 'dist/src/index.web.js') },
  outdir: join(root, 'dist/cdn'),
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'browser',
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  legalComments: 'none',
  banner: {
    js: `/*! sotto ${version}, MIT licence; has msgpackr and opus-decoder in it: LICENSE and THIRD-PARTY-NOTICES.md of the npm package */`,
  },
  logLevel: 'warning',
});
