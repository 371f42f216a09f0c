/** Buckets by their names, opened when they are first named, and the sound of items that lie in them. */
import type { BatchItem } from '../item.ts';
import type { OpenAudio } from '../sources/openAudio.ts';
import { isS3Address, parseS3Address } from './address.ts';
import { S3Bucket, type S3Options } from './client.ts';

/** @throws {OptionsError} `badValue` for an environment that cannot be used */
export type BucketOf = (bucket: string) => S3Bucket;

export function s3Buckets(options: S3Options): BucketOf {
  const buckets = new Map<string, S3Bucket>();
  return (name) => {
    const bucket = buckets.get(name) ?? new S3Bucket(name, options);
    buckets.set(name, bucket);
    return bucket;
  };
}

/** @param otherwise opens what is not in S3 */
export function openS3Audio(bucketOf: BucketOf, otherwise: OpenAudio): OpenAudio {
  return async (item: BatchItem, signal: AbortSignal) => {
    if (!isS3Address(item.audio)) return otherwise(item, signal);
    const { bucket, key } = parseS3Address(item.audio);
    return bucketOf(bucket).read(key, item.version === '' ? undefined : item.version, signal);
  };
}
