/** `s3://bucket/key`: an object of S3, or with a key that is a prefix many of them. */
import { OptionsError } from '../../base/errors.ts';

export interface S3Address {
  readonly bucket: string;
  /** As it is stored: in an address nothing is escaped. Empty for the whole bucket. */
  readonly key: string;
}

export function isS3Address(text: string): boolean {
  return /^s3:\/\//i.test(text);
}

/** @throws {OptionsError} `badValue` */
export function parseS3Address(text: string): S3Address {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/?(.*)$/is.exec(text) ?? [];
  // The rules that S3 and all that is like it have in common.
  if (!/^[a-z0-9][a-z0-9._-]{1,253}[a-z0-9]$/i.test(bucket) || bucket.includes('..')) {
    throw new OptionsError('badValue', `${text} names no bucket of S3.`, {
      hint: 'An address of S3 is s3://bucket/prefix.',
    });
  }
  return { bucket, key };
}

export function s3Address({ bucket, key }: S3Address): string {
  return `s3://${bucket}/${key}`;
}

/** A key that ends a folder, so that `talks` does not name `talks-old/a.mp3` too. */
export function asFolder(key: string): string {
  return key === '' || key.endsWith('/') ? key : `${key}/`;
}

/**
 * Why a key cannot be asked for over HTTP. Its parts `.` and `..` would be resolved by every URL on its way, so that another
 * object would be read; what comes after a question mark is no part of a signature as s3-lite-client makes it.
 */
export function keyFault(key: string): string | undefined {
  if (key.split('/').some((part) => part === '.' || part === '..')) return 'a part of its key is . or ..';
  if (key.includes('?')) return 'its key has a question mark in it';
  if (/\p{Surrogate}/u.test(key)) return 'its key is no Unicode text';
  const bytes = Buffer.byteLength(key);
  return bytes > 1024 ? `its key has ${bytes} bytes, and S3 takes 1024` : undefined;
}
