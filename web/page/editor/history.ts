/**
 * Undo and redo of changes to a list. A change is kept as what it took out and put in at one place, so that what is added
 * at the end meanwhile (a transcription that goes on) stays when an earlier change is undone.
 */

interface Change<T> {
  readonly at: number;
  readonly removed: readonly T[];
  readonly inserted: readonly T[];
}

/** Older changes are forgotten. */
const LIMIT = 500;

export class History<T> {
  #done: Change<T>[] = [];
  #undone: Change<T>[] = [];

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** Remembers a change that was made; items that stay are the same objects in both lists. */
  record(before: readonly T[], after: readonly T[]): void {
    const shorter = Math.min(before.length, after.length);
    let head = 0;
    while (head < shorter && before[head] === after[head]) head++;
    let tail = 0;
    while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
    const removed = before.slice(head, before.length - tail);
    const inserted = after.slice(head, after.length - tail);
    if (removed.length === 0 && inserted.length === 0) return;
    this.#done.push({ at: head, removed, inserted });
    if (this.#done.length > LIMIT) this.#done.shift();
    this.#undone = [];
  }

  /** @returns the list before the last change; the same list if there is none, or if it is another list than that */
  undo(list: readonly T[]): readonly T[] {
    const change = this.#done.at(-1);
    const before = change && spliced(list, change.at, change.inserted, change.removed);
    if (!before) return list;
    this.#undone.push(change);
    this.#done.pop();
    return before;
  }

  /** The counterpart of `undo`. */
  redo(list: readonly T[]): readonly T[] {
    const change = this.#undone.at(-1);
    const after = change && spliced(list, change.at, change.removed, change.inserted);
    if (!after) return list;
    this.#done.push(change);
    this.#undone.pop();
    return after;
  }

  clear(): void {
    this.#done = [];
    this.#undone = [];
  }
}

function spliced<T>(list: readonly T[], at: number, from: readonly T[], to: readonly T[]): readonly T[] | undefined {
  if (!from.every((item, i) => list[at + i] === item)) return undefined;
  return [...list.slice(0, at), ...to, ...list.slice(at + from.length)];
}
