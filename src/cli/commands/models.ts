/** `sotto models`: the models that have a name, and those that are on this machine. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheOf, isModel } from '../../../weights/cache.ts';
import { CACHE_OPTIONS } from '../../../weights/options.ts';
import { OptionsError } from '../../base/errors.ts';
import { MODEL_NAMES, namedModel } from '../../checkpoint/modelNames.ts';
import { readOptions, writtenOptions } from '../../options/text.ts';
import { parseArguments } from '../args.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { printable } from '../printable.ts';

const HELP = `sotto models: the models that have a name, and those that are on this machine.

Usage:  sotto models [--model_dir DIR]

Any other repository of the Hugging Face hub with a Whisper model has a name too: owner/repo. A folder is one without.
`;

/**
 * Megabytes of `model.safetensors` in the repository of each name, rounded: in f32 as openai trained them, from large-v3 on
 * and of the distilled ones in f16.
 *
 * @see https://huggingface.co/openai, https://huggingface.co/distil-whisper
 */
const MEGABYTES: Readonly<Record<string, number>> = {
  tiny: 151,
  'tiny.en': 151,
  base: 290,
  'base.en': 290,
  small: 967,
  'small.en': 967,
  medium: 3060,
  'medium.en': 3060,
  'large-v1': 6170,
  'large-v2': 6170,
  'large-v3': 3090,
  'large-v3-turbo': 1620,
  'distil-small.en': 332,
  'distil-medium.en': 789,
  'distil-large-v2': 1510,
  'distil-large-v3': 1510,
  'distil-large-v3.5': 1510,
};

interface Row {
  readonly name: string;
  readonly size: string;
  readonly state: string;
}

export async function modelsCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const { files, values, help } = parseArguments(argv, writtenOptions(CACHE_OPTIONS, ['load']));
  if (help) {
    io.stdout.write(HELP);
    return EXIT.ok;
  }
  if (files.length > 0) {
    throw new OptionsError('contradiction', `sotto models lists all models: it takes no name.`, {
      hint: `To fetch one: sotto fetch ${files[0]}`,
    });
  }
  const cache = cacheOf(readOptions(CACHE_OPTIONS, ['load'], values, '--'));
  const here = await modelsIn(cache);
  const rows = [...publishedNames()].map(([name, { title, repo }]): Row => {
    const bytes = here.get(name);
    here.delete(name);
    if (bytes !== undefined) return { name: title, size: sizeText(bytes), state: join(cache, name) };
    const megabytes = MEGABYTES[name];
    const size = megabytes === undefined ? '' : `${sizeText(megabytes * 1e6)}`;
    return { name: title, size, state: `to be fetched: ${repo}` };
  });
  // Demonstration models, repositories without a name, converted folders.
  for (const [name, bytes] of here) rows.push({ name: titleOf(name), size: sizeText(bytes), state: join(cache, name) });
  const widths = (['name', 'size'] as const).map((column) => Math.max(...rows.map((row) => row[column].length)));
  for (const { name, size, state } of rows) {
    io.stdout.write(`${name.padEnd(widths[0]!)}  ${size.padStart(widths[1]!)}  ${printable(state)}\n`);
  }
  return EXIT.ok;
}

/** By the name of its folder in the cache. */
function publishedNames(): ReadonlyMap<string, { readonly title: string; readonly repo: string }> {
  const found = new Map<string, { title: string; repo: string }>();
  for (const given of MODEL_NAMES) {
    const { name, repo = '' } = namedModel(given) ?? {};
    if (name === undefined) continue;
    const before = found.get(name);
    // `turbo`, which is large-v3-turbo.
    if (before) before.title += `, ${given}`;
    else found.set(name, { title: given, repo });
  }
  return found;
}

/** A repository is kept as `owner--name`. */
function titleOf(folder: string): string {
  return printable(folder.replace('--', '/'));
}

/** @returns the models in the cache by the names of their folders, with their bytes */
async function modelsIn(cache: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const entries = await readdir(cache, { withFileTypes: true }).catch(() => []);
  for (const { name } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!/\.(download|lock|partial-.*)$/.test(name) && (await isModel(join(cache, name)))) {
      found.set(name, await bytesOf(join(cache, name)));
    }
  }
  return found;
}

async function bytesOf(folder: string): Promise<number> {
  const names = await readdir(folder);
  const files = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
  return files.reduce((sum, file) => sum + (file?.isFile() ? file.size : 0), 0);
}

function sizeText(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
