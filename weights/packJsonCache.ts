/** Writes `sotto.msgpack` (format: `src/checkpoint/jsonCache.ts`). Apart from reading it, which web pages do too. */
import { pack } from 'msgpackr/pack';
import { JSON_CACHE_VERSION, type JsonCache } from '../src/checkpoint/jsonCache.ts';

export function packJsonCache({ config, tokenizer, checksums }: JsonCache): Uint8Array<ArrayBuffer> {
  const { tokenOffsets, ...rest } = tokenizer;
  const tokenLengths = Uint8Array.from(tokenOffsets.subarray(1), (end, id) => end - tokenOffsets[id]!);
  return new Uint8Array(
    pack({ sotto: JSON_CACHE_VERSION, stamps: checksums, config, tokenizer: { ...rest, tokenLengths } }),
  );
}
