/** Recordings in S3: an object, or those below a prefix. */
import { AudioError } from '../../base/errors.ts';
import { AUDIO } from '../../files/recordings.ts';
import type { BatchItem } from '../item.ts';
import { nameOfPath } from '../names.ts';
import { asFolder, isS3Address, parseS3Address, s3Address } from '../s3/address.ts';
import type { S3Bucket } from '../s3/client.ts';
import { matcher } from '../s3/globs.ts';
import type { ListedObject } from '../s3/listing.ts';
import type { BucketOf } from '../s3/openS3.ts';
import type { FolderOptions } from './folderSource.ts';
import type { Source } from './source.ts';

/**
 * An item's id is its key below the prefix; an object that is named itself is a recording whatever it is called.
 *
 * @throws {OptionsError} `badValue`; while it is listed {AudioError} `fetch`, `notFound` where there is nothing at all
 */
export function s3Source(address: string, bucketOf: BucketOf, options: FolderOptions = {}): Source {
  const { bucket: name, key } = parseS3Address(address);
  const isWanted = recordingsOf(options);
  const isOutput = outputsOf(options);
  const itemOf = (object: ListedObject, below: string): BatchItem => ({
    id: below,
    audio: s3Address({ bucket: name, key: object.key }),
    name: nameOfPath(below),
    version: object.etag,
    bytes: object.bytes,
  });
  return {
    async *items(signal) {
      const bucket = await bucketOf(name);
      const folder = asFolder(key);
      const object = folder === key ? undefined : await only(bucket, key, signal);
      if (object) {
        yield itemOf(object, key.slice(key.lastIndexOf('/') + 1));
        return;
      }
      let isEmpty = true;
      for await (const listed of bucket.list(folder, signal)) {
        isEmpty = false;
        const below = listed.key.slice(folder.length);
        // A key that ends a folder is one for those who show folders.
        if (below === '' || below.endsWith('/') || !isWanted(below)) continue;
        const item = itemOf(listed, below);
        if (!isOutput(item.audio)) yield item;
      }
      if (isEmpty) throw new AudioError('notFound', `There is no object at ${s3Address({ bucket: name, key })}.`);
    },
  };
}

function recordingsOf({ include, exclude = [] }: FolderOptions): (below: string) => boolean {
  const isIncluded = include ? matcher(include) : (below: string) => AUDIO.test(below);
  const isExcluded = matcher(exclude);
  return (below) => isIncluded(below) && !isExcluded(below);
}

/** Is it below the place for the outputs? */
function outputsOf({ outputs }: FolderOptions): (address: string) => boolean {
  if (outputs === undefined || !isS3Address(outputs)) return () => false;
  const { bucket, key } = parseS3Address(outputs);
  const start = s3Address({ bucket, key: asFolder(key) });
  // Of a whole bucket, all would be.
  return (address) => key !== '' && address.startsWith(start);
}

/** The object of exactly this key, which is the first with that prefix: who may list may not always ask for heads. */
async function only(bucket: S3Bucket, key: string, signal: AbortSignal): Promise<ListedObject | undefined> {
  for await (const object of bucket.list(key, signal, 1)) return object.key === key ? object : undefined;
  return undefined;
}
