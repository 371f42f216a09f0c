import { select } from '../../engine/wasm/expression.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, min } from '../../engine/wasm/signature.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { LOOP_STATE, NON_FINITE_TOKEN, PICKED, ROW_STATE, RULE_STATE, RULES } from './decodeState.ts';

type Args = 'ids' | 'logprobs' | 'rules' | 'rowState' | 'ruleState' | 'loopState' | 'picked';

export const variants: readonly WasmVariant<Args, 'perRow' | 'steps'>[] = [
  {
    // One work item: all rows.
    name: 'allRows',
    workItems: () => 1,
    emit(f, { dims: { perRow, steps } }) {
      const { ids, logprobs, rowState, ruleState, loopState, picked, liveRows } = f.args;
      const { offset: of } = RULE_STATE;
      const zero = i32.const(0);
      const one = i32.const(1);
      const allDone = f.let(one);
      const row = f.local('i32');
      f.for(row, zero, liveRows, 1, () =>
        f.block((next) => {
          const rule = f.let(at(ruleState, row, RULE_STATE.rowBytes));
          f.brIf(next, i32.load(rule, of.done));
          const rules = f.let(at(f.args.rules, i32.load(rule, of.set), RULES.rowBytes));
          const token = f.let(i32.load(at(ids, row, 4 * perRow)));
          f.if(i32.eq(token, i32.const(NON_FINITE_TOKEN)), () => {
            f.do(i32.store(rule, one, of.done));
            f.do(i32.store(rule, one, of.nonFinite));
            f.br(next);
          });
          const sampled = f.let(i32.load(rule, of.sampled));
          const place = min(f, sampled, i32.const(steps - 1));
          const entry = f.let(at(at(picked, row, PICKED.rowBytes * steps), place, PICKED.rowBytes));
          f.do(i32.store(entry, token, PICKED.offset.token));
          f.do(i32.store(entry, i32.load(at(logprobs, row, 4 * perRow)), PICKED.offset.logprob));
          const isTimestamp = f.let(
            i32.and(
              i32.ne(i32.load(rules, RULES.offset.hasTimestamps), zero),
              i32.ge_u(token, i32.load(rules, RULES.offset.timestampBegin)),
            ),
          );
          const penultimate = select(i32.load(rule, of.lastIsTimestamp), one, sampled);
          f.do(i32.store(rule, penultimate, of.penultimateIsTimestamp));
          f.do(i32.store(rule, isTimestamp, of.lastIsTimestamp));
          f.if(isTimestamp, () => f.do(i32.store(rule, i32.add(token, one), of.lastTimestamp)));
          f.do(i32.store(rule, i32.add(sampled, one), of.sampled));
          const isLast = i32.ge_u(i32.add(sampled, one), i32.load(loopState, LOOP_STATE.offset.limit));
          f.if(i32.or(i32.eq(token, i32.load(rules, RULES.offset.eot)), isLast), () => {
            f.do(i32.store(rule, one, of.done));
            f.br(next);
          });
          const state = f.let(at(rowState, row, ROW_STATE.rowBytes));
          f.do(i32.store(state, token, ROW_STATE.offset.token));
          const position = i32.add(i32.load(state, ROW_STATE.offset.position), one);
          f.do(i32.store(state, position, ROW_STATE.offset.position));
          f.set(allDone, zero);
        }),
      );
      f.do(i32.store(loopState, allDone, LOOP_STATE.offset.done));
    },
  },
];
