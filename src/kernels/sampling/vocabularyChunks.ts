/**
 * The vocabulary cut into chunks that hold text ids or timestamp ids, never both, so that the rule which weighs one kind
 * against the other is a merge of the chunks' sums. Text chunks first, then those of timestamps, wherever these begin.
 */

import { columns } from '../../engine/columns.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { type I32, i32 } from '../../engine/wasm/scalar.ts';
import { min } from '../../engine/wasm/signature.ts';
import { RULE_STATE, RULES } from './decodeState.ts';

/** Ids of a chunk, at most. */
export const CHUNK_IDS = 1024;

/**
 * What is known of a chunk's allowed logits, f32: the largest (MASKED when nothing is allowed), the sum of exp(logit -
 * largest), and 1 if any logit of the chunk, allowed or not, is NaN or infinite.
 */
export const STATS = columns(['max', 'sum', 'nonFinite'], 4);

export function chunkCount(nVocab: number): number {
  return Math.ceil(nVocab / CHUNK_IDS) + 1;
}

export function textChunkCount(timestampBegin: number): number {
  return Math.ceil(timestampBegin / CHUNK_IDS);
}

/** First id of a chunk, and the one after its last; chunks after the last timestamp are empty. */
export function chunkRange(chunk: number, timestampBegin: number, nVocab: number): readonly [number, number] {
  const textChunks = textChunkCount(timestampBegin);
  if (chunk < textChunks) return [chunk * CHUNK_IDS, Math.min((chunk + 1) * CHUNK_IDS, timestampBegin)];
  const begin = Math.min(timestampBegin + (chunk - textChunks) * CHUNK_IDS, nVocab);
  return [begin, Math.min(begin + CHUNK_IDS, nVocab)];
}

/** WGSL: `fn textChunkCount(row: u32) -> u32`, for shaders that bind `rules` and `ruleState`. */
export const textChunksText = /* wgsl */ `
fn textChunkCount(row: u32) -> u32 {
  return (${RULES.wgsl('rules', RULE_STATE.wgsl('ruleState', 'row').set).timestampBegin} + ${CHUNK_IDS - 1}u) / ${CHUNK_IDS}u;
}`;

/** WebAssembly: chunks of text; `rules` is the address of a row's set. */
export function emitTextChunkCount(rules: I32): I32 {
  const begin = i32.load(rules, RULES.offset.timestampBegin);
  return i32.div_u(i32.add(begin, i32.const(CHUNK_IDS - 1)), i32.const(CHUNK_IDS));
}

/** The same, and no more than there are. */
export function emitTextChunkCountBelow(f: FunctionBuilder, rules: I32, chunks: I32): I32 {
  return min(f, emitTextChunkCount(rules), chunks);
}
