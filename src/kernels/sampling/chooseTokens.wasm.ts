/** Merges the chunks of a row: plain scalar loops over some fifty chunks. */
import { select } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { exp, first, log } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { type F32, f32, type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import { f32x4 } from '../../engine/wasm/simd.ts';
import type { WasmFeatures, WasmVariant } from '../../engine/wasm/variant.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { NO_TOKEN, NON_FINITE_TOKEN, RULE_STATE, RULES } from './decodeState.ts';
import { emitTextChunkCountBelow, STATS } from './vocabularyChunks.ts';

export const variants: readonly WasmVariant<
  'logits' | 'rules' | 'ruleState' | 'stats' | 'bestIds' | 'ids' | 'logprobs',
  'rows' | 'nVocab' | 'chunks' | 'perRow'
>[] = [
  {
    // A work item is a row.
    name: 'rows',
    workItems: (_c, liveRows) => liveRows,
    emit(f, c) {
      const { nVocab, chunks, perRow } = c.dims;
      const { module, features } = c;
      const { logits, stats, bestIds, ids, logprobs } = f.args;
      const [chunk, firstChunk, rank, candidate] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
      const [id, bestId, lastId, isBad] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
      const [value, best, last] = [f.local('f32'), f.local('f32'), f.local('f32')];
      const top = topOfChunks(module);
      const logSum = logSumOfChunks(module, features, top);
      const all = i32.const(chunks);

      forWorkItems(f, (row) => {
        const line = f.let(at(logits, row, 4 * nVocab));
        const stat = f.let(at(stats, row, STATS.rowBytes * chunks));
        const candidates = f.let(at(bestIds, row, 4 * chunks * perRow));
        const set = i32.load(at(f.args.ruleState, row, RULE_STATE.rowBytes), RULE_STATE.offset.set);
        const rules = f.let(at(f.args.rules, set, RULES.rowBytes));
        const textChunks = emitTextChunkCountBelow(f, rules, all);
        f.set(firstChunk, i32.const(0));
        f.if(i32.load(rules, RULES.offset.hasTimestamps), () => {
          const mass = f.callFor('f32', logSum, stat, textChunks, all);
          const text = f.callFor('f32', top, stat, i32.const(0), textChunks);
          f.if(f32.gt(mass, text), () => f.set(firstChunk, textChunks));
        });
        const total = f.let(f.callFor('f32', logSum, stat, firstChunk, all));
        f.set(isBad, i32.const(0));
        f.for(chunk, i32.const(0), all, 1, () =>
          f.set(
            isBad,
            i32.or(isBad, f32.ne(f32.load(at(stat, chunk, STATS.rowBytes), STATS.offset.nonFinite), f32.const(0))),
          ),
        );

        // Each rank takes the best candidate after the one before: a lower value, or the same and a higher id.
        f.set(last, f32.const(3.4e38));
        f.set(lastId, i32.const(0));
        f.for(rank, i32.const(0), i32.const(perRow), 1, () => {
          f.set(best, f32.const(MASKED));
          f.set(bestId, i32.const(NO_TOKEN));
          const from = i32.mul(firstChunk, i32.const(perRow));
          f.for(candidate, from, i32.const(chunks * perRow), 1, () => {
            f.set(id, i32.load(at(candidates, candidate, 4)));
            f.if(i32.ne(id, i32.const(NO_TOKEN)), () => {
              f.set(value, f32.load(at(line, id, 4)));
              const isLater = isBefore(last, lastId, value, id);
              f.if(i32.and(isLater, isBefore(value, id, best, bestId)), () => {
                f.set(best, value);
                f.set(bestId, id);
              });
            });
          });
          const isNone = i32.eq(bestId, i32.const(NO_TOKEN));
          const logprob = select(f32.const(MASKED), f32.sub(best, total), isNone);
          const place = f.let(i32.mul(i32.add(i32.mul(row, i32.const(perRow)), rank), i32.const(4)));
          f.do(i32.store(i32.add(ids, place), select(i32.const(NON_FINITE_TOKEN), bestId, isBad)));
          f.do(f32.store(i32.add(logprobs, place), select(f32.const(0), logprob, isBad)));
          f.set(last, best);
          f.set(lastId, bestId);
        });
      });
    },
  },
];

/** (a, idA) comes before (b, idB): the larger value, ties to the lower id. `NO_TOKEN` is the highest id there is. */
function isBefore(a: F32, idA: I32, b: F32, idB: I32): I32 {
  return i32.or(f32.gt(a, b), i32.and(f32.eq(a, b), i32.lt_u(idA, idB)));
}

/** The function (stats, begin, end): the largest maximum of the chunks. */
function topOfChunks(module: ModuleBuilder): FunctionBuilder {
  return module.once('topOfChunks', () => {
    const f = module.function('topOfChunks', { stats: 'i32', begin: 'i32', end: 'i32' }, 'f32');
    const top = f.let(f32.const(MASKED));
    const chunk = f.local('i32');
    f.for(chunk, f.args.begin, f.args.end, 1, () =>
      f.set(top, f32.max(top, f32.load(at(f.args.stats, chunk, STATS.rowBytes), STATS.offset.max))),
    );
    f.return(top);
    return f;
  });
}

/** The function (stats, begin, end): log of the sum of exp of all that is allowed in the chunks; MASKED if nothing is. */
function logSumOfChunks(module: ModuleBuilder, features: WasmFeatures, topOf: FunctionBuilder): FunctionBuilder {
  return module.once('logSumOfChunks', () => {
    const f = module.function('logSumOfChunks', { stats: 'i32', begin: 'i32', end: 'i32' }, 'f32');
    const { stats, begin, end } = f.args;
    const top = f.let(f.callFor('f32', topOf, stats, begin, end));
    const sum = f.let(f32.const(0));
    const chunk = f.local('i32');
    f.for(chunk, begin, end, 1, () => {
      const stat = f.let(at(stats, chunk, STATS.rowBytes));
      const weight = first(exp(f, features, f32x4.splat(f32.sub(f32.load(stat, STATS.offset.max), top))));
      f.set(sum, f32.add(sum, f32.mul(f32.load(stat, STATS.offset.sum), weight)));
    });
    const result = f32.add(top, first(log(f, features, f32x4.splat(sum))));
    f.return(select(result, f32.const(MASKED), f32.gt(sum, f32.const(0))));
    return f;
  });
}
