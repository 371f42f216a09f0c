/** Where the outputs of a batch go. */
import type { Format } from '../output/writer.ts';
import type { BatchItem } from './item.ts';

export interface OutputFile {
  readonly format: Format;
  readonly bytes: Uint8Array;
}

export interface OutputStore {
  /** A place as users know it, for messages: a folder. */
  readonly place: string;
  /** The formats that a run writes, all or none. */
  readonly formats: readonly Format[];
  /**
   * Is every output there? Where the store itself keeps the key that outputs were made under, it is asked for as well; of a
   * folder the journal knows it.
   */
  has(item: BatchItem, key: string): Promise<boolean>;
  /** Before an item is transcribed. @throws {OutputError} if it is known already that its outputs cannot be written */
  check?(item: BatchItem): void | Promise<void>;
  /**
   * Puts all files of an item into place: whole ones, first under other names, then, if `beforePublish` does not throw, one
   * right after the other under their own.
   *
   * @throws {OutputError} `file` if one cannot be written; what `beforePublish` throws. Nothing is left half written
   */
  publish(
    item: BatchItem,
    key: string,
    files: readonly OutputFile[],
    beforePublish?: () => void | Promise<void>,
  ): Promise<void>;
}
