/** The place for outputs that a text names: a folder, or `s3://bucket/prefix`. */
import type { Format } from '../output/writer.ts';
import { FolderOutputs } from './folderOutputs.ts';
import type { OutputStore } from './outputs.ts';
import { isS3Address, parseS3Address } from './s3/address.ts';
import type { BucketOf } from './s3/openS3.ts';
import { S3Outputs } from './s3/s3Outputs.ts';

/** @throws {OptionsError} `badValue` for an address of S3 that is none; {OutputError} `folder` for a place in S3 that is not there */
export async function openOutputs(place: string, formats: readonly Format[], bucketOf: BucketOf): Promise<OutputStore> {
  if (!isS3Address(place)) return new FolderOutputs(place, formats);
  const { bucket, key } = parseS3Address(place);
  const outputs = new S3Outputs(await bucketOf(bucket), key, formats);
  await outputs.tryPlace();
  return outputs;
}
