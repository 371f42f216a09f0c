/** What the Hugging Face hub says of a repository's large files. A page sees none of it in the headers of the files. */
import { concat } from '../base/bytes.ts';
import type { FetchOptions } from '../base/http.ts';
import { HUB } from '../checkpoint/modelNames.ts';
import { decodeUtf8 } from '../checkpoint/source.ts';
import { isObject, parseJsonObject } from '../checkpoint/strictJson.ts';
import { checkAnswer, requestWeights } from '../checkpoint/weightsHttp.ts';

const PATIENCE_MS = 10_000;
/** A list of files has some thousands. */
const MOST_BYTES = 4e6;

/**
 * @param repo `owner/name`
 * @returns SHA-256 by the name of the file; nothing where the hub does not say it. @throws the signal's reason
 */
export async function hubHashes(repo: string, http: FetchOptions): Promise<ReadonlyMap<string, string>> {
  const url = `${HUB}/api/models/${repo}/revision/main?blobs=true`;
  try {
    const response = await requestWeights(url, { ...http, stallMs: PATIENCE_MS });
    await checkAnswer(url, response);
    const parts: Uint8Array[] = [];
    let left = MOST_BYTES;
    for await (const part of response.body()) {
      left -= part.length;
      if (left < 0) throw new Error('this is no list of files');
      parts.push(part);
    }
    return hashesIn(parseJsonObject(url, decodeUtf8(url, concat(Uint8Array, parts))).siblings);
  } catch {
    http.signal?.throwIfAborted();
    return new Map(); // the files are then checked against themselves alone
  }
}

function hashesIn(siblings: unknown): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of Array.isArray(siblings) ? siblings : []) {
    if (!isObject(file) || typeof file.rfilename !== 'string' || !isObject(file.lfs)) continue;
    const { sha256 } = file.lfs;
    if (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)) found.set(file.rfilename, sha256);
  }
  return found;
}
