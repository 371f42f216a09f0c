/**
 * A chunk of a row of logits: the rules leave a range of ids and a bit for each; what is forbidden becomes `LOWEST` in a
 * copy, from which maximum, sum and best ids are taken, four lanes at a time.
 *
 * The copy is in groups of 32 ids, one word of the masks each, with the largest values of each group beside it: nearly all
 * groups have nothing forbidden and are just copied, and a best id is found by looking at groups first.
 */
import { type Local, select } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { exp, first, maxOfLanes, sumOfLanes } from '../../engine/wasm/math.ts';
import { f32, type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems, max, min } from '../../engine/wasm/signature.ts';
import { f32x4, i32x4, type V128, v128 } from '../../engine/wasm/simd.ts';
import type { WasmFeatures, WasmVariant } from '../../engine/wasm/variant.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { LOWEST } from '../attention/softmax.wasm.ts';
import { NO_TOKEN, RULE_STATE, RULES } from './decodeState.ts';
import { CHUNK_IDS, emitTextChunkCount, STATS } from './vocabularyChunks.ts';

/** Ids of one word of the masks. */
const GROUP_IDS = 32;
const GROUP_BYTES = 4 * GROUP_IDS;
/** A chunk may begin and end within a group. */
const MAX_GROUPS = CHUNK_IDS / GROUP_IDS + 1;

export const variants: readonly WasmVariant<
  'logits' | 'masks' | 'rules' | 'ruleState' | 'stats' | 'bestIds',
  'nVocab' | 'maskWords' | 'chunks' | 'perRow'
>[] = [
  {
    // A work item is a chunk of a row.
    name: 'chunkOfRow',
    workItems: (c, liveRows) => c.dims.chunks * liveRows,
    scratchBytes: () => MAX_GROUPS * (GROUP_BYTES + 16),
    emit(f, c) {
      const { nVocab, maskWords, chunks, perRow } = c.dims;
      const { scratch, logits, masks, rules, ruleState, stats, bestIds } = f.args;
      const [begin, end, low, high] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
      const rank = f.local('i32');
      const [bad, sum] = [f.local('v128'), f.local('v128')];
      const maxima = f.let(i32.add(scratch, i32.const(MAX_GROUPS * GROUP_BYTES)));

      forWorkItems(f, (item) => {
        const row = f.let(i32.div_u(item, i32.const(chunks)));
        const line = at(logits, row, 4 * nVocab);
        const state = f.let(at(ruleState, row, RULE_STATE.rowBytes));
        const set = f.let(i32.load(state, RULE_STATE.offset.set));
        const own = f.let(at(rules, set, RULES.rowBytes));
        const ownMasks = f.let(at(masks, set, 8 * maskWords));
        const isFirst = f.let(i32.eqz(i32.load(state, RULE_STATE.offset.sampled)));
        rangeOfChunk(f, i32.rem_u(item, i32.const(chunks)), nVocab, {
          rules: own,
          state,
          isFirst,
          begin,
          end,
          low,
          high,
        });
        const start = f.let(i32.and(begin, i32.const(-GROUP_IDS)));
        const count = i32.shr_u(i32.sub(i32.add(end, i32.const(GROUP_IDS - 1)), start), i32.const(5));
        const groups: Groups = { copy: scratch, maxima, start, count: f.let(count) };
        f.set(bad, f.splat(0));
        const words = { masks: ownMasks, maskWords, firstMask: f.let(i32.sub(i32.const(0), isFirst)) };
        copyAllowed(f, groups, words, { line: f.let(at(line, start, 4)), begin, end, low, high, bad });

        const top = f.let(largest(f, groups));
        const isAny = f.let(f32.gt(first(top), f32.const(LOWEST / 2)));
        f.set(sum, f.splat(0));
        f.if(isAny, () => addExponentials(f, c.features, groups, top, sum));
        const stat = f.let(at(stats, item, STATS.rowBytes));
        f.do(f32.store(stat, select(first(top), f32.const(MASKED), isAny), STATS.offset.max));
        f.do(f32.store(stat, first(sumOfLanes(f, sum)), STATS.offset.sum));
        f.do(f32.store(stat, f32.convert_i32_u(v128.any_true(bad)), STATS.offset.nonFinite));
        f.do(f32.store(stat, f32.const(0), STATS.rowBytes - 4));

        const best = f.let(at(bestIds, item, 4 * perRow));
        f.for(rank, i32.const(0), i32.const(perRow), 1, () => {
          f.do(i32.store(at(best, rank, 4), takeTop(f, groups, top)));
          if (perRow > 1) f.set(top, largest(f, groups));
        });
      });
    },
  },
];

interface Groups {
  /** The allowed logits from id `start` on, else `LOWEST`: [count, 32]. */
  readonly copy: Local<'i32'>;
  /** Of each group, lane by lane: [count, 4]. */
  readonly maxima: Local<'i32'>;
  readonly start: Local<'i32'>;
  readonly count: Local<'i32'>;
}

interface MaskWords {
  readonly masks: I32;
  readonly maskWords: number;
  /** All ones while nothing has been sampled, else none. */
  readonly firstMask: Local<'i32'>;
}

interface ChunkRange {
  /** The logits from `start` on. */
  readonly line: Local<'i32'>;
  /** Ids of the chunk, and those that the timestamp rules leave. */
  readonly begin: Local<'i32'>;
  readonly end: Local<'i32'>;
  readonly low: Local<'i32'>;
  readonly high: Local<'i32'>;
  /** Gets bits where a logit of the chunk is not finite. */
  readonly bad: Local<'v128'>;
}

/** Fills `copy` and `maxima`. */
function copyAllowed(
  f: FunctionBuilder,
  { copy, maxima, start, count }: Groups,
  { masks, maskWords, firstMask }: MaskWords,
  { line, begin, end, low, high, bad }: ChunkRange,
): void {
  const [values, bads, most] = [f.locals('v128', 2), f.locals('v128', 2), f.locals('v128', 2)];
  const [id, group] = [f.local('i32'), f.let(i32.const(0))];
  const [from, to] = [f.let(line), f.let(copy)];
  const exponent = f.splatInt(0x7f800000);
  const none = f.splat(LOWEST);
  const isBad = (value: V128): V128 => i32x4.eq(v128.and(value, exponent), exponent);
  const advance = (bytes: number): void => {
    f.increase(from, bytes);
    f.increase(to, bytes);
  };
  f.while(i32.lt_s(group, count), () => {
    f.set(id, i32.add(start, i32.shl(group, i32.const(5))));
    const word = f.let(at(masks, i32.shr_u(id, i32.const(5)), 4));
    const mask = f.let(i32.or(i32.load(word), i32.and(firstMask, i32.load(word, 4 * maskWords))));
    const isWithinRange = i32.and(i32.ge_s(id, low), i32.le_s(i32.add(id, i32.const(GROUP_IDS)), high));
    for (const m of most) f.set(m, none);
    f.if(
      i32.and(i32.eqz(mask), isWithinRange),
      () =>
        // Pairs, which V8 makes one vector of 256 bits where it can.
        f.repeat(i32.const(GROUP_IDS / 8), () => {
          for (const [i, value] of values.entries()) f.set(value, v128.load(from, 16 * i));
          for (const [i, b] of bads.entries()) f.set(b, isBad(values[i]!));
          for (const [i, value] of values.entries()) f.set(value, v128.bitselect(none, value, bads[i]!));
          for (const [i, m] of most.entries()) f.set(m, f32x4.pmax(m, values[i]!));
          f.set(bad, v128.or(bad, v128.or(bads[0]!, bads[1]!)));
          f.do(v128.store(to, values[1]!, 16));
          f.do(v128.store(to, values[0]!));
          advance(32);
        }),
      () => {
        const ids = f.let(i32x4.add(i32x4.splat(id), f.lanes(0, 1, 2, 3)));
        const [value, b, m] = [values[0]!, bads[0]!, most[0]!];
        f.repeat(i32.const(GROUP_IDS / 4), () => {
          f.set(value, none);
          f.if(i32.lt_s(id, end), () => {
            f.set(value, v128.load(from));
            f.set(b, isBad(value));
            const isFree = i32x4.eq(v128.and(i32x4.splat(mask), f.lanes(1, 2, 4, 8)), f.splat(0));
            const isLeft = v128.andnot(v128.and(isFree, isWithin(ids, low, high)), b);
            f.set(value, v128.bitselect(value, none, isLeft));
            f.set(bad, v128.or(bad, v128.and(b, isWithin(ids, begin, end))));
            f.set(m, f32x4.pmax(m, value));
          });
          f.do(v128.store(to, value));
          f.set(mask, i32.shr_u(mask, i32.const(4)));
          f.set(ids, i32x4.add(ids, f.splatInt(4)));
          f.increase(id, 4);
          advance(16);
        });
      },
    );
    f.do(v128.store(at(maxima, group, 16), f32x4.pmax(most[0]!, most[1]!)));
    f.increase(group, 1);
  });
}

/** The largest value, in all lanes. */
function largest(f: FunctionBuilder, { maxima, count }: Groups): Local<'v128'> {
  const most = f.let(f.splat(LOWEST));
  const group = f.local('i32');
  f.for(group, i32.const(0), count, 1, () => f.set(most, f32x4.pmax(most, v128.load(at(maxima, group, 16)))));
  return maxOfLanes(f, most);
}

/** sum += exp(value - top), vector by vector. */
function addExponentials(
  f: FunctionBuilder,
  features: WasmFeatures,
  { copy, count }: Groups,
  top: Local<'v128'>,
  sum: Local<'v128'>,
): void {
  const from = f.let(copy);
  f.repeat(i32.mul(count, i32.const(GROUP_IDS / 8)), () => {
    for (const offset of [0, 16]) f.set(sum, f32x4.add(sum, exp(f, features, f32x4.sub(v128.load(from, offset), top))));
    f.increase(from, 32);
  });
}

/** The lowest id whose value is `top`, which is then gone; `NO_TOKEN` if nothing is allowed any more. */
function takeTop(f: FunctionBuilder, { copy, maxima, start, count }: Groups, top: Local<'v128'>): Local<'i32'> {
  const [group, place] = [f.local('i32'), f.let(i32.const(NO_TOKEN))];
  const most = f.local('v128');
  const isTop = (value: V128): I32 => i32x4.bitmask(f32x4.eq(value, top));
  f.if(f32.gt(first(top), f32.const(LOWEST / 2)), () =>
    f.block((found) =>
      f.for(group, i32.const(0), count, 1, () => {
        const own = f.let(at(maxima, group, 16));
        f.if(isTop(v128.load(own)), () => {
          const values = f.let(at(copy, group, GROUP_BYTES));
          const first = i32.add(start, i32.shl(group, i32.const(5)));
          // From the highest id down, so that the lowest is what stays.
          for (let i = GROUP_IDS - 4; i >= 0; i -= 4) {
            const lanes = f.let(isTop(v128.load(values, 4 * i)));
            f.if(lanes, () => f.set(place, i32.add(i32.const(i), i32.ctz(lanes))));
          }
          f.do(f32.store(at(values, place, 4), f32.const(LOWEST)));
          f.set(place, i32.add(place, first));
          f.set(most, v128.load(values));
          for (let i = 4; i < GROUP_IDS; i += 4) f.set(most, f32x4.pmax(most, v128.load(values, 4 * i)));
          f.do(v128.store(own, most));
          f.br(found);
        });
      }),
    ),
  );
  return place;
}

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
    const isPairClosed = f.let(i32.and(isLast, isPenultimate));
    f.if(
      isText,
      () => {
        f.if(isFirst, () => f.set(high, begin));
        f.if(isPairOpen, () => f.set(low, max(f, low, rule('eot'))));
        const isEarly = i32.le_s(lastTimestamp, sampled('noEndBefore'));
        const isSecond = i32.gt_s(sampled('sampled'), i32.const(1));
        f.if(i32.and(i32.and(isPairClosed, isSecond), isEarly), () => f.set(high, min(f, high, rule('eot'))));
      },
      () => {
        f.if(isPairClosed, () => f.set(high, begin));
        f.if(lastTimestamp, () => f.set(low, max(f, low, i32.sub(lastTimestamp, isPairOpen))));
        const limit = f.let(rule('initialEnd'));
        f.if(i32.and(isFirst, i32.ne(limit, i32.const(0))), () => f.set(high, min(f, high, limit)));
      },
    );
  });
}
