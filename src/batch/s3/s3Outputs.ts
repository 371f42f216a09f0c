/**
 * Outputs in S3. An object is there whole or not at all, and says in its metadata which key it was made under: the state of a
 * batch is in the objects themselves, and needs no journal.
 */
import { OutputError, SottoError } from '../../base/errors.ts';
import { extensionOf, type Format } from '../../output/writer.ts';
import type { BatchItem } from '../item.ts';
import type { OutputFile, OutputStore } from '../outputs.ts';
import { asFolder, keyFault, s3Address } from './address.ts';
import type { S3Bucket } from './client.ts';

/** Name of the metadata: `x-amz-meta-sotto-key`. */
const KEY = 'sotto-key';

const TYPES: Readonly<Record<Format, string>> = {
  txt: 'text/plain; charset=utf-8',
  vtt: 'text/vtt; charset=utf-8',
  srt: 'application/x-subrip; charset=utf-8',
  tsv: 'text/tab-separated-values; charset=utf-8',
  json: 'application/json',
  lrc: 'text/plain; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  verbose_json: 'application/json',
};

export class S3Outputs implements OutputStore {
  readonly place: string;
  readonly formats: readonly Format[];
  readonly #bucket: S3Bucket;
  readonly #prefix: string;

  /** @param prefix a folder, or empty */
  constructor(bucket: S3Bucket, prefix: string, formats: readonly Format[]) {
    this.#bucket = bucket;
    this.#prefix = asFolder(prefix);
    this.place = s3Address({ bucket: bucket.bucket, key: this.#prefix });
    this.formats = formats;
  }

  /** @throws {OutputError} `folder` if the place is not there or cannot be looked into */
  async tryPlace(): Promise<void> {
    try {
      for await (const _ of this.#bucket.list(this.#prefix, undefined, 1)) return;
    } catch (error) {
      if (!(error instanceof SottoError)) throw error;
      const hint = error.hint === undefined ? {} : { hint: error.hint };
      throw new OutputError('folder', error.message, { ...hint, cause: error });
    }
  }

  async has(item: BatchItem, key: string): Promise<boolean> {
    for (const format of this.formats) {
      const object = await this.#bucket.head(this.#keyOf(item, format));
      if (object?.metadata[KEY] !== key) return false;
    }
    return true;
  }

  check(item: BatchItem): void {
    for (const format of this.formats) {
      const key = this.#keyOf(item, format);
      const fault = keyFault(key);
      if (fault === undefined) continue;
      throw new OutputError('file', `${s3Address({ bucket: this.#bucket.bucket, key })} cannot be written: ${fault}.`);
    }
  }

  /** One after another: who reads meanwhile may see some of them new and others old, each of them whole. */
  async publish(
    item: BatchItem,
    key: string,
    files: readonly OutputFile[],
    beforePublish?: () => void | Promise<void>,
  ): Promise<void> {
    for (const { format, bytes } of files) {
      await beforePublish?.();
      await this.#bucket.put(this.#keyOf(item, format), bytes, TYPES[format], { [KEY]: key });
    }
  }

  #keyOf({ name }: BatchItem, format: Format): string {
    return `${this.#prefix}${name}.${extensionOf(format)}`;
  }
}
