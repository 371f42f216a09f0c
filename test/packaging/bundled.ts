/** What bundlers are given and what must not be in what they make. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a page's files name of Node and of native code. */
export function nodeModulesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?js$/.test(file))
    .flatMap((file) =>
      [
        ...readFileSync(join(folder, file), 'utf8').matchAll(
          /(?:\bfrom|\b(?:import|require)\(|\bimport)\s*["'](node:\w+|worker_threads|webgpu)["']/g,
        ),
      ].map(([, name]) => `${file}: ${name}`),
    );
}

/** Lines of a bundler's output that warn; what webpack says of sizes is said of every page above 244 KiB. */
export function complaintsOf(output: string): readonly string[] {
  return output
    .split('\n')
    .filter(
      (line) =>
        /\b(warn(ing)?|error)\b/i.test(line) &&
        !/\b0 (warnings|errors)\b|size limit|performance recommendations/i.test(line),
    );
}
