/** Buckets by their names, and what is named by an address of S3. The client is loaded when there is one. */
import { inLanes } from '../../base/lanes.ts';
import type { BatchItem } from '../item.ts';
import type { OpenAudio } from '../sources/openAudio.ts';
import { isS3Address, keyFault, parseS3Address } from './address.ts';
import type { S3Bucket, S3Options } from './client.ts';

/** Opens a bucket when it is first named. @throws {OptionsError} `badValue` for an environment that cannot be used */
export type BucketOf = (bucket: string) => Promise<S3Bucket>;

export function s3Buckets(options: S3Options): BucketOf {
  const buckets = new Map<string, S3Bucket>();
  return async (name) => {
    const known = buckets.get(name);
    if (known) return known;
    const { S3Bucket } = await import('./client.ts');
    const bucket = new S3Bucket(name, options);
    buckets.set(name, bucket);
    return bucket;
  };
}

/** @param otherwise opens what is not in S3 */
export function openS3Audio(bucketOf: BucketOf, otherwise: OpenAudio): OpenAudio {
  return async (item, signal) => {
    if (!isS3Address(item.audio)) return otherwise(item, signal);
    const { bucket, key } = parseS3Address(item.audio);
    return (await bucketOf(bucket)).read(key, item.version === '' ? undefined : item.version, signal);
  };
}

/** Requests at once. */
const AT_ONCE = 16;

/**
 * Items in S3 that a list names, with their versions; others as they are, and those that cannot be looked at: what is wrong
 * with them is said when they are opened.
 *
 * @throws the signal's reason
 */
export async function withS3Versions(
  items: readonly BatchItem[],
  bucketOf: BucketOf,
  signal: AbortSignal,
): Promise<BatchItem[]> {
  const result = [...items];
  await inLanes(items, AT_ONCE, async (item, i) => {
    if (isS3Address(item.audio) && item.version === '') result[i] = await versioned(item, bucketOf, signal);
  });
  return result;
}

async function versioned(item: BatchItem, bucketOf: BucketOf, signal: AbortSignal): Promise<BatchItem> {
  const { bucket, key } = parseS3Address(item.audio);
  if (keyFault(key) !== undefined) return item;
  try {
    const head = await (await bucketOf(bucket)).head(key, signal);
    return head ? { ...item, version: head.etag, bytes: head.bytes } : item;
  } catch {
    signal.throwIfAborted();
    return item;
  }
}
