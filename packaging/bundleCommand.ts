/**
 * A step of the build: the modules of the command joined to a few files, `dist/command/sotto.js` and those that it imports or
 * may load later, since Node takes half a millisecond for each file, and the modules are three hundred. As a library sotto
 * stays as the compiler wrote it.
 */
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const dist = fileURLToPath(new URL('..', import.meta.url));
const folder = join(dist, 'command');

/** A module that looks for a file beside itself is told where it was. */
const ownUrl: Plugin = {
  name: 'ownUrl',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const own = relative(folder, path);
      const contents = readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        `new URL('${own}', import.meta.url).href`,
      );
      return { contents };
    });
  },
};

rmSync(folder, { recursive: true, force: true });
await build({
  entryPoints: { sotto: join(dist, 'src/cli/main.js') },
  outdir: folder,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  plugins: [ownUrl],
  logLevel: 'warning',
});
chmodSync(join(folder, 'sotto.js'), 0o755);
