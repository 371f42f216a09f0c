/** How long recordings are before they are read: from their bytes, by what recordings of their kind have had. */
import { extname } from 'node:path';
import type { BatchTask } from './executor.ts';
import type { BatchItem } from './item.ts';

/** Bytes a second where nothing was measured yet: of usual recordings, by extension. */
const USUAL: Readonly<Record<string, number>> = {
  '.wav': 64_000,
  '.w64': 64_000,
  '.aif': 176_000,
  '.aiff': 176_000,
  '.flac': 50_000,
  '.mp4': 125_000,
  '.m4v': 125_000,
  '.mkv': 125_000,
  '.mov': 125_000,
  '.avi': 125_000,
  '.webm': 60_000,
  '.ogg': 10_000,
  '.oga': 10_000,
  '.opus': 6_000,
  '.amr': 1_600,
};
const USUAL_OF_OTHERS = 16_000;
/** Seconds of one of which not even the bytes are known, while nothing was measured. */
const UNKNOWN_SECONDS = 60;

type Sized = Pick<BatchItem, 'audio' | 'bytes' | 'seconds'>;

interface Sums {
  bytes: number;
  seconds: number;
}

export class Lengths {
  /** By extension. */
  readonly #sums = new Map<string, Sums>();
  #count = 0;
  #seconds = 0;

  /** @param seconds of sound that it had */
  measured({ audio, bytes }: Sized, seconds: number): void {
    if (!(seconds > 0)) return;
    this.#count++;
    this.#seconds += seconds;
    if (!bytes) return;
    const extension = extensionOf(audio);
    const sums = this.#sums.get(extension) ?? { bytes: 0, seconds: 0 };
    sums.bytes += bytes;
    sums.seconds += seconds;
    this.#sums.set(extension, sums);
  }

  /** Seconds, as far as can be told. */
  estimate({ audio, bytes, seconds }: Sized): number {
    if (seconds !== undefined) return seconds;
    if (bytes === undefined) return this.#count > 0 ? this.#seconds / this.#count : UNKNOWN_SECONDS;
    const extension = extensionOf(audio);
    const sums = this.#sums.get(extension);
    return sums ? (bytes * sums.seconds) / sums.bytes : bytes / (USUAL[extension] ?? USUAL_OF_OTHERS);
  }
}

/**
 * Tasks with the longest first, so that none of them is left alone at the end. Which is the longest is asked when one is
 * taken: much is measured meanwhile.
 */
export class LongestFirst implements Iterable<BatchTask> {
  readonly #lengths: Lengths;
  /** Of one kind each, shortest first: in it the order does not change. */
  readonly #groups: BatchTask[][];

  constructor(tasks: Iterable<BatchTask>, lengths: Lengths) {
    this.#lengths = lengths;
    const groups = new Map<string, BatchTask[]>();
    for (const task of tasks) {
      const { audio, bytes, seconds } = task.item;
      const kind = seconds !== undefined ? 'known' : bytes === undefined ? 'unknown' : extensionOf(audio);
      const group = groups.get(kind);
      if (group) group.push(task);
      else groups.set(kind, [task]);
    }
    this.#groups = [...groups.values()];
    for (const group of this.#groups) group.sort((a, b) => sizeOf(a) - sizeOf(b));
  }

  *[Symbol.iterator](): Generator<BatchTask, void, undefined> {
    for (let group = this.#longest(); group; group = this.#longest()) yield group.pop()!; // it has one
  }

  /** Seconds of sound in all that were not taken yet, as far as can be told. */
  get seconds(): number {
    let sum = 0;
    for (const group of this.#groups) for (const { item } of group) sum += this.#lengths.estimate(item);
    return sum;
  }

  #longest(): BatchTask[] | undefined {
    let best: { readonly group: BatchTask[]; readonly seconds: number } | undefined;
    for (const group of this.#groups) {
      const task = group.at(-1);
      if (!task) continue;
      const seconds = this.#lengths.estimate(task.item);
      if (!best || seconds > best.seconds) best = { group, seconds };
    }
    return best?.group;
  }
}

function sizeOf({ item }: BatchTask): number {
  return item.seconds ?? item.bytes ?? 0;
}

/** In small letters, of an address that of its path. */
function extensionOf(audio: string): string {
  return extname(audio.replace(/[?#].*$/, '')).toLowerCase();
}
