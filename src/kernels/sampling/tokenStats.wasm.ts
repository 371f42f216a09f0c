/**
 * A chunk of a row of logits: the rules leave a range of ids and a bit for each; what is forbidden becomes `LOWEST` in a
 * copy, from which maximum, sum and best ids are taken, four lanes at a time.
 */
import { type Local, select } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { exp, first, maxOfLanes, sumOfLanes } from '../../engine/wasm/math.ts';
import { f32, type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems, max, min } from '../../engine/wasm/signature.ts';
import { f32x4, i32x4, type V128, v128 } from '../../engine/wasm/simd.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { LOWEST } from '../attention/softmax.wasm.ts';
import { NO_TOKEN, RULE_STATE, RULES } from './decodeState.ts';
import { CHUNK_IDS, emitTextChunkCount, STATS } from './vocabularyChunks.ts';

export const variants: readonly WasmVariant<
  'logits' | 'masks' | 'rules' | 'ruleState' | 'stats' | 'bestIds',
  'nVocab' | 'maskWords' | 'chunks' | 'perRow'
>[] = [
  {
    // A work item is a chunk of a row.
    name: 'chunkOfRow',
    workItems: (c, liveRows) => c.dims.chunks * liveRows,
    scratchBytes: () => 4 * (CHUNK_IDS + 16),
    emit(f, c) {
      const { nVocab, maskWords, chunks, perRow } = c.dims;
      const { features } = c;
      const { scratch, logits, masks, rules, ruleState, stats, bestIds } = f.args;
      const [begin, end, low, high] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
      const [id, mask, rank, place] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
      const [value, ids, isFree] = [f.local('v128'), f.local('v128'), f.local('v128')];
      const [bad, most, sum] = [f.local('v128'), f.local('v128'), f.local('v128')];
      const exponent = f.splatInt(0x7f800000);
      const none = f.splat(LOWEST);

      forWorkItems(f, (item) => {
        const row = f.let(i32.div_u(item, i32.const(chunks)));
        const line = f.let(at(logits, row, 4 * nVocab));
        const state = f.let(at(ruleState, row, RULE_STATE.rowBytes));
        const isFirst = f.let(i32.eqz(i32.load(state, RULE_STATE.offset.sampled)));
        rangeOfChunk(f, i32.rem_u(item, i32.const(chunks)), nVocab, { rules, state, isFirst, begin, end, low, high });

        // Vectors start at multiples of 4, so that their four bits are in one word of the mask.
        const start = f.let(i32.and(begin, i32.const(-4)));
        const inScratch = (offset: I32): I32 => i32.add(scratch, i32.mul(i32.sub(offset, start), i32.const(4)));
        const firstMask = f.let(i32.sub(i32.const(0), isFirst)); // all ones or none
        f.set(bad, f.splat(0));
        f.set(most, none);
        f.for(id, start, end, 4, () => {
          f.set(value, v128.load(at(line, id, 4)));
          f.set(ids, i32x4.add(i32x4.splat(id), f.lanes(0, 1, 2, 3)));
          const word = f.let(at(masks, i32.shr_u(id, i32.const(5)), 4));
          f.set(mask, i32.or(i32.load(word), i32.and(firstMask, i32.load(word, 4 * maskWords))));
          const bits = i32x4.splat(i32.shr_u(mask, i32.and(id, i32.const(31))));
          f.set(isFree, i32x4.eq(v128.and(bits, f.lanes(1, 2, 4, 8)), f.splat(0)));
          const isBad = f.let(i32x4.eq(v128.and(value, exponent), exponent));
          f.set(isFree, v128.andnot(v128.and(isFree, isWithin(ids, low, high)), isBad));
          f.set(bad, v128.or(bad, v128.and(isBad, isWithin(ids, begin, end))));
          f.set(value, v128.bitselect(value, none, isFree));
          f.do(v128.store(inScratch(id), value));
          f.set(most, f32x4.pmax(most, value));
        });

        const top = maxOfLanes(f, most);
        const isAny = f.let(f32.gt(first(top), f32.const(LOWEST / 2)));
        f.set(sum, f.splat(0));
        f.if(isAny, () =>
          f.for(id, start, end, 4, () => {
            f.set(sum, f32x4.add(sum, exp(f, features, f32x4.sub(v128.load(inScratch(id)), top))));
          }),
        );
        const stat = f.let(at(stats, item, STATS.rowBytes));
        f.do(f32.store(stat, select(first(top), f32.const(MASKED), isAny), STATS.offset.max));
        f.do(f32.store(stat, first(sumOfLanes(f, sum)), STATS.offset.sum));
        f.do(f32.store(stat, f32.convert_i32_u(v128.any_true(bad)), STATS.offset.nonFinite));
        f.do(f32.store(stat, f32.const(0), STATS.rowBytes - 4));

        f.for(rank, i32.const(0), i32.const(perRow), 1, () => {
          f.set(place, i32.const(NO_TOKEN));
          f.if(f32.gt(first(top), f32.const(LOWEST / 2)), () =>
            f.block((found) =>
              f.for(id, start, end, 4, () => {
                f.set(value, v128.load(inScratch(id)));
                const isTop = f.let(i32x4.bitmask(f32x4.eq(value, top)));
                f.if(isTop, () => {
                  f.set(place, i32.add(id, i32.ctz(isTop)));
                  f.do(f32.store(inScratch(place), f32.const(LOWEST)));
                  f.br(found);
                });
              }),
            ),
          );
          f.do(i32.store(at(at(bestIds, item, 4 * perRow), rank, 4), place));
          if (perRow > 1) {
            f.set(most, none);
            f.for(id, start, end, 4, () => f.set(most, f32x4.pmax(most, v128.load(inScratch(id)))));
            f.set(top, maxOfLanes(f, most));
          }
        });
      });
    },
  },
];

function isWithin(ids: V128, low: I32, high: I32): V128 {
  return v128.and(i32x4.ge_s(ids, i32x4.splat(low)), i32x4.lt_s(ids, i32x4.splat(high)));
}

/** Sets the ids of the chunk, [begin, end), and those that the timestamp rules leave of them, [low, high): `allowedIds` of rules/logitRules.ts. */
function rangeOfChunk(
  f: FunctionBuilder,
  chunk: I32,
  nVocab: number,
  s: Readonly<Record<'rules' | 'state' | 'isFirst' | 'begin' | 'end' | 'low' | 'high', Local<'i32'>>>,
): void {
  const { rules, state, isFirst, begin, end, low, high } = s;
  const rule = (column: keyof typeof RULES.offset): I32 => i32.load(rules, RULES.offset[column]);
  const sampled = (column: keyof typeof RULE_STATE.offset): I32 => i32.load(state, RULE_STATE.offset[column]);
  const textEnd = f.let(rule('timestampBegin'));
  const textChunks = emitTextChunkCount(rules);
  const beyondText = f.let(i32.sub(chunk, textChunks)); // negative: a chunk of text
  const isText = f.let(i32.lt_s(beyondText, i32.const(0)));
  const timestampBegin = min(f, i32.add(textEnd, i32.mul(beyondText, i32.const(CHUNK_IDS))), i32.const(nVocab));
  f.set(begin, select(i32.mul(chunk, i32.const(CHUNK_IDS)), timestampBegin, isText));
  f.set(end, min(f, i32.add(begin, i32.const(CHUNK_IDS)), select(textEnd, i32.const(nVocab), isText)));
  f.set(low, begin);
  f.set(high, end);
  f.if(rule('hasTimestamps'), () => {
    const lastTimestamp = f.let(sampled('lastTimestamp')); // its id + 1
    const isLast = f.let(sampled('lastIsTimestamp'));
    const isPenultimate = f.let(sampled('penultimateIsTimestamp'));
    const isPairOpen = f.let(i32.and(isLast, i32.eqz(isPenultimate)));
    f.if(
      isText,
      () => {
        f.if(isFirst, () => f.set(high, begin));
        f.if(isPairOpen, () => f.set(low, max(f, low, rule('eot'))));
      },
      () => {
        f.if(i32.and(isLast, isPenultimate), () => f.set(high, begin));
        f.if(lastTimestamp, () => f.set(low, max(f, low, i32.sub(lastTimestamp, isPairOpen))));
        const limit = f.let(rule('initialEnd'));
        f.if(i32.and(isFirst, i32.ne(limit, i32.const(0))), () => f.set(high, min(f, high, limit)));
      },
    );
  });
}
