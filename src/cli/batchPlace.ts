/** Where a batch on this machine writes to, and what is known of what is there. */
import { BatchState } from '../batch/batchState.ts';
import { FolderOutputs } from '../batch/folderOutputs.ts';
import type { BatchItem } from '../batch/item.ts';
import { Journal, type JournalEntry, readJournals } from '../batch/journal.ts';
import { openOutputs } from '../batch/openOutputs.ts';
import type { OutputStore } from '../batch/outputs.ts';
import { lockJournal } from '../batch/runLock.ts';
import { isS3Address } from '../batch/s3/address.ts';
import type { BucketOf } from '../batch/s3/openS3.ts';
import { journalName, type Shard } from '../batch/shard.ts';
import { tryFolder } from '../files/outputFolder.ts';
import type { Format } from '../output/writer.ts';

export interface WorkBefore {
  readonly state: Pick<BatchState, 'isDone' | 'failure' | 'remembered' | 'done'>;
  /** Lines of journals that are none. */
  readonly damaged: number;
}

export interface BatchPlace {
  readonly outputs: OutputStore;
  /** undefined where outputs go to no folder of this machine. */
  readonly folder: string | undefined;
  /** It takes `Talk.txt` and `talk.txt` for one file. */
  readonly ignoresCase: boolean;
  /** Where more is said about what was done. */
  readonly journalPath: string | undefined;
  /**
   * What was done before; from now on no other run of this machine writes the journal.
   *
   * @throws {OptionsError} `stateFolder`; {OutputError} `file`
   */
  begin(): WorkBefore;
  append(entry: JournalEntry): void;
  /** Removes what processes that are gone have left beside the outputs of these items. */
  removeStale(items: Iterable<BatchItem>): void;
  readonly close: () => void;
}

/** @throws {OutputError} `folder`, `file`; {OptionsError} `badValue` for an address of S3 that is none */
export async function openBatchPlace(
  place: string,
  formats: readonly Format[],
  shard: Shard | undefined,
  bucketOf: BucketOf,
): Promise<BatchPlace> {
  return isS3Address(place) ? s3Place(await openOutputs(place, formats, bucketOf)) : folderPlace(place, formats, shard);
}

function folderPlace(folder: string, formats: readonly Format[], shard: Shard | undefined): BatchPlace {
  const { ignoresCase } = tryFolder(folder);
  const outputs = new FolderOutputs(folder, formats);
  const journal = new Journal(folder, journalName(shard));
  let unlock = (): void => {};
  return {
    ...{ outputs, folder, ignoresCase, journalPath: journal.path },
    begin() {
      unlock = lockJournal(journal.path);
      const { entries, damaged } = readJournals(folder);
      return { state: new BatchState(entries), damaged };
    },
    append: (entry) => journal.append(entry),
    removeStale: (items) => outputs.removeStale(items),
    close() {
      journal.close();
      unlock();
    },
  };
}

const NOTHING_KNOWN: WorkBefore['state'] = {
  isDone: () => true,
  failure: () => undefined,
  remembered: (item) => item,
  *done() {},
};

/** The objects themselves say what they were made of: there is no journal, and what failed is tried again. */
function s3Place(outputs: OutputStore): BatchPlace {
  return {
    ...{ outputs, folder: undefined, ignoresCase: false, journalPath: undefined },
    begin: () => ({ state: NOTHING_KNOWN, damaged: 0 }),
    append: () => {},
    removeStale: () => {},
    close: () => {},
  };
}
