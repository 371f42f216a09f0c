/** Recordings in S3: an object, or those below a prefix. */
import { extname } from 'node:path';
import { AudioError } from '../../base/errors.ts';
import type { BatchItem } from '../item.ts';
import { asFolder, type S3Address, s3Address } from '../s3/address.ts';
import type { S3Bucket } from '../s3/client.ts';
import type { ListedObject } from '../s3/listing.ts';
import { pathOfKey } from '../s3/names.ts';
import type { Source } from './source.ts';

/**
 * @param isWanted says of a key below the prefix whether it is one of a recording; an object that is named itself is one
 * @throws while it is listed: {AudioError} `fetch`, `notFound` where there is nothing at all
 */
export function s3Source(bucket: S3Bucket, key: string, isWanted: (below: string) => boolean): Source {
  const itemOf = (object: ListedObject, below: string): BatchItem => ({
    id: below,
    audio: s3Address({ bucket: bucket.bucket, key: object.key }),
    name: withoutExtension(pathOfKey(below)),
    version: object.etag,
    bytes: object.bytes,
  });
  return {
    async *items(signal) {
      const folder = asFolder(key);
      if (folder !== key) {
        const object = await only(bucket, key, signal);
        if (object) {
          yield itemOf(object, key.slice(key.lastIndexOf('/') + 1));
          return;
        }
      }
      let isEmpty = true;
      for await (const object of bucket.list(folder, signal)) {
        isEmpty = false;
        const below = object.key.slice(folder.length);
        if (!below.endsWith('/') && below !== '' && isWanted(below)) yield itemOf(object, below);
      }
      if (isEmpty) throw nothingAt({ bucket: bucket.bucket, key });
    },
  };
}

/** The object of exactly this key, which is the first with that prefix: a credential that may read need not be one that may ask for heads. */
async function only(bucket: S3Bucket, key: string, signal: AbortSignal): Promise<ListedObject | undefined> {
  for await (const object of bucket.list(key, signal, 1)) return object.key === key ? object : undefined;
  return undefined;
}

function nothingAt(address: S3Address): AudioError {
  return new AudioError('notFound', `There is no object at ${s3Address(address)}.`);
}

function withoutExtension(path: string): string {
  const extension = extname(path);
  return extension === '' ? path : path.slice(0, -extension.length);
}
