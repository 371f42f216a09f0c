/** All recordings of a batch, from all sources, before anything is done. */
import { join, resolve } from 'node:path';
import { OptionsError } from '../base/errors.ts';
import { piecesUntilAborted } from '../base/signals.ts';
import { extensionOf, type Format } from '../output/writer.ts';
import { type BatchItem, isFile } from './item.ts';
import { distinct } from './names.ts';
import type { Source } from './sources/source.ts';

export interface GatherOptions {
  readonly formats: readonly Format[];
  /** That of the outputs; absent where they go elsewhere, and cannot replace a recording. */
  readonly folder?: string | undefined;
  /** It takes `Talk.txt` and `talk.txt` for one file. */
  readonly ignoresCase: boolean;
  readonly signal: AbortSignal;
  /** Told how many there are so far. */
  readonly onFound?: (count: number) => void;
}

/**
 * @returns in the order of their ids, each once
 * @throws {OptionsError} `manifest`; `overwrites` if an output would replace a recording; what sources throw
 */
export async function gather(
  sources: readonly Source[],
  { formats, folder, ignoresCase, signal, onFound }: GatherOptions,
): Promise<{ readonly items: readonly BatchItem[]; readonly repeated: number }> {
  const found: BatchItem[] = [];
  for (const source of sources) {
    for await (const item of piecesUntilAborted(source.items(signal), signal)) {
      found.push(item);
      onFound?.(found.length);
    }
  }
  const result = distinct(found, formats, ignoresCase);
  if (folder !== undefined) refuseOverwriting(result.items, formats, folder);
  return { ...result, items: [...result.items].sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

function refuseOverwriting(items: readonly BatchItem[], formats: readonly Format[], folder: string): void {
  const recordings = new Set(items.map(({ audio }) => audio).filter(isFile));
  for (const { id, name } of items) {
    for (const format of formats) {
      const path = resolve(join(folder, `${name}.${extensionOf(format)}`));
      if (!recordings.has(path)) continue;
      throw new OptionsError(
        'overwrites',
        `${path} is one of the recordings, and the transcript of ${id} would replace it.`,
        {
          hint: 'Name another folder with --output_dir, or leave such files out with --exclude.',
        },
      );
    }
  }
}
