/** What journals say has been done before. */
import type { BatchItem } from './item.ts';
import type { JournalEntry } from './journal.ts';

interface Last {
  done?: JournalEntry;
  /** Since it was done, if it ever was. */
  failed?: JournalEntry | undefined;
}

export class BatchState {
  readonly #last = new Map<string, Last>();

  /** @param entries in the order of their times */
  constructor(entries: Iterable<JournalEntry>) {
    for (const entry of entries) {
      const last = this.#last.get(entry.id);
      if (entry.status === 'done') this.#last.set(entry.id, { done: entry });
      else if (last) last.failed = entry;
      else this.#last.set(entry.id, { failed: entry });
    }
  }

  /** Was the last that was made of it made so? */
  isDone(id: string, key: string): boolean {
    return this.#last.get(id)?.done?.key === key;
  }

  /** How it failed the last time, if that was tried as now. */
  failure(id: string, key: string): JournalEntry | undefined {
    const failed = this.#last.get(id)?.failed;
    return failed?.key === key ? failed : undefined;
  }

  /** With the version that was seen last, where nothing is known now: what was done stays done while its server is down. */
  remembered(item: BatchItem): BatchItem {
    const version = this.#last.get(item.id)?.done?.version;
    return item.version === '' && version !== undefined ? { ...item, version } : item;
  }

  /** Entries of what was done, for what can be learned of their lengths. */
  *done(): Generator<JournalEntry> {
    for (const { done } of this.#last.values()) if (done) yield done;
  }
}
