/**
 * A page of a bucket's list. s3-lite-client's own reading of it leaves `&quot;`, `&apos;` and numbered characters as they
 * are, so that `it's.mp3` would not be found again under its key.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */

export interface ListedObject {
  readonly key: string;
  /** Without quotes. */
  readonly etag: string;
  readonly bytes: number;
}

export interface ListPage {
  readonly objects: readonly ListedObject[];
  /** The token of the next page, if there is one. */
  readonly next: string | undefined;
}

/** @returns undefined for what is no list */
export function readListing(xml: string): ListPage | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml)) return undefined;
  const objects = [...xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(
    ([, entry = '']): ListedObject => ({
      key: textOf(entry, 'Key') ?? '',
      etag: (textOf(entry, 'ETag') ?? '').replace(/^"|"$/g, ''),
      bytes: Number(textOf(entry, 'Size') ?? Number.NaN),
    }),
  );
  const isCut = textOf(xml, 'IsTruncated') === 'true';
  return { objects, next: isCut ? textOf(xml, 'NextContinuationToken') : undefined };
}

function textOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text === undefined ? undefined : unescaped(text);
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** In one pass: `&amp;lt;` is `&lt;`. */
function unescaped(text: string): string {
  return text.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi, (whole, hex, decimal, name) => {
    if (typeof name === 'string') return Object.hasOwn(NAMED, name) ? NAMED[name]! : whole;
    const code = typeof hex === 'string' ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10_ffff ? String.fromCodePoint(code) : whole;
  });
}
