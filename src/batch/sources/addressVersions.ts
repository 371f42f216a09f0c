/** What servers say of recordings without sending them: ETag, or time and length. */
import { AudioError } from '../../base/errors.ts';
import { type Fetch, request } from '../../base/http.ts';
import { inLanes } from '../../base/lanes.ts';
import type { BatchItem } from '../item.ts';

/** Requests at once. */
const AT_ONCE = 16;
/** A server that is silent is asked no more after so many vain requests. */
const MOST_VAIN = 3;
const STALL_MS = 10_000;

export interface VersionOptions {
  readonly signal: AbortSignal;
  /** The runtime's own when absent. */
  readonly fetch?: Fetch | undefined;
}

/**
 * Items at http and https addresses with their versions; others as they are. Where the server cannot be asked, refuses, or says
 * nothing of a recording, its version stays empty.
 *
 * @throws the signal's reason
 */
export async function withVersions(items: readonly BatchItem[], options: VersionOptions): Promise<BatchItem[]> {
  const result = [...items];
  /** Host -> vain requests. */
  const vain = new Map<string, number>();
  await inLanes(items, AT_ONCE, async (item, i) => {
    if (/^https?:/i.test(item.audio) && item.version === '') result[i] = await asked(item, vain, options);
  });
  return result;
}

async function asked(item: BatchItem, vain: Map<string, number>, options: VersionOptions): Promise<BatchItem> {
  const { signal, fetch } = options;
  const { host } = new URL(item.audio);
  const times = (): number => vain.get(host) ?? 0;
  if (times() >= MOST_VAIN) return item;
  try {
    // Not HEAD, which many servers refuse, and addresses that are signed for GET.
    const headers = { range: 'bytes=0-0' };
    const answer = await request(item.audio, { signal, fetch, headers, stallMs: STALL_MS }, (why) => silent(item, why));
    answer.cancel();
    return { ...item, ...described(answer.status, answer.headers) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AudioError)) throw error;
    vain.set(host, times() + 1);
    return item;
  }
}

function described(status: number, headers: Headers): Pick<BatchItem, 'version' | 'bytes'> {
  if (status < 200 || status > 299) return { version: '' };
  const range = /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
  const length = status === 206 ? range : headers.get('content-length');
  const etag = headers.get('etag');
  const modified = headers.get('last-modified');
  const version = etag ?? (modified === null ? '' : `${modified} ${length ?? ''}`);
  return { version, ...(length && { bytes: Number(length) }) };
}

function silent({ audio }: BatchItem, why: string): AudioError {
  return new AudioError('fetch', `${audio} cannot be fetched: ${why}.`);
}
