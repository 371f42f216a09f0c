/** Models that the site has beside it, so that its visitors fetch nothing from anywhere else. */
import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

/** What the page is told of one. */
export interface SiteModel {
  /** Of its folder in `models`. */
  readonly name: string;
  readonly bytes: number;
}

/**
 * Copies models.
 *
 * @param target  folder of models
 * @param folders as `sotto convert` makes them: two may not have the same name
 * @throws {Error} what is wrong with one, before anything is copied
 */
export function addModels(target: string, folders: readonly string[]): readonly SiteModel[] {
  const found = folders.map((path) => {
    const folder = resolve(path);
    const files = filesOf(folder);
    if (!files.includes('config.json') || !files.some((name) => name.endsWith('.safetensors')))
      throw new Error(
        `${folder} is no folder of a model: it has no config.json, or no weights (sotto convert makes one).`,
      );
    return { folder, files, name: basename(folder) };
  });
  const double = found.find(({ name }, i) => found.findIndex((each) => each.name === name) !== i);
  if (double) throw new Error(`Two models are called ${double.name}.`);
  return found.map(({ folder, files, name }) => {
    mkdirSync(join(target, name), { recursive: true });
    for (const file of files) copyFileSync(join(folder, file), join(target, name, file));
    const bytes = files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    return { name, bytes };
  });
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [] : [entry.name]));
  } catch (cause) {
    throw new Error(`${folder} cannot be read.`, { cause });
  }
}
