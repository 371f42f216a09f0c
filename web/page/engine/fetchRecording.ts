/** Fetches a recording from an address, into a Blob, which the page plays too and a browser may keep on disk. */
import { AudioError } from 'sotto/core';

/** Bytes that are held in memory before they become a Blob. */
const PIECE = 1 << 23;

/**
 * @param onProgress told bytes; a total of 0 is not known
 * @throws {AudioError} `fetch`; the signal's reason
 */
export async function fetchRecording(
  address: string,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<Blob> {
  const failed = (why: string, hint: string, cause?: unknown): AudioError =>
    new AudioError('fetch', `The recording at ${address} cannot be fetched: ${why}.`, { hint, cause });
  try {
    const { ok, status, headers, body } = await fetch(address, { signal });
    if (!ok || !body)
      throw failed(`the server answers ${status}`, 'Open the address in another tab to see what is there.');
    const type = headers.get('content-type') ?? '';
    if (/^text\/html/i.test(type))
      throw failed('it is a web page', 'Give the address of the sound itself, or use "Listen to a tab".');
    // Of a compressed body the length is not that of the bytes.
    const total = headers.has('content-encoding') ? 0 : Number(headers.get('content-length') ?? 0);
    return await blobOf(body, type, (done) => onProgress(done, total));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AudioError) throw error;
    throw failed(
      'there was no answer, or the server does not allow other pages to read it',
      'Download the file, and drop it here.',
      error,
    );
  }
}

async function blobOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  type: string,
  onBytes: (done: number) => void,
): Promise<Blob> {
  const blobs: Blob[] = [];
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let [waiting, done] = [0, 0];
  const reader = body.getReader();
  for (;;) {
    const next = await reader.read();
    if (!next.done) {
      pieces.push(next.value);
      waiting += next.value.length;
      done += next.value.length;
      onBytes(done);
    }
    if (waiting >= PIECE || next.done) {
      blobs.push(new Blob(pieces));
      [pieces, waiting] = [[], 0];
    }
    if (next.done) return new Blob(blobs, { type });
  }
}
