import { select } from '../../engine/wasm/expression.ts';
import { f32, type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, min } from '../../engine/wasm/signature.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { LOOP_STATE, NO_TOKEN, NON_FINITE_TOKEN, ROW_STATE, RULE_STATE, RULES } from './decodeState.ts';
import { ENDED, GROUP_DONE, GROUPS, MOVES, PATH, searchLayout } from './searchState.ts';

type Args = 'ids' | 'logprobs' | 'rules' | 'rowState' | 'ruleState' | 'loopState' | 'slotOf' | 'search';

export const variants: readonly WasmVariant<Args, 'rows' | 'perRow' | 'steps', 'beamSize' | 'wanted'>[] = [
  {
    // One work item: all groups.
    name: 'allGroups',
    workItems: () => 1,
    emit(f, { dims: { rows, perRow, steps }, params: { beamSize, wanted } }) {
      const { loopState, liveRows, search } = f.args;
      const begin = searchLayout({ rows, beamSize, wanted, steps });
      const table = (row: number): I32 => i32.add(search, i32.const(16 * row));
      const { offset: of } = RULE_STATE;
      const [zero, one, beams] = [i32.const(0), i32.const(1), i32.const(beamSize)];
      const allDone = f.let(one);
      const [beam, count, best, cursor] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
      const [position, token] = [f.local('i32'), f.local('i32')];
      const [sum, bestSum] = [f.local('f32'), f.local('f32')];
      /** Where a position of each beam lies, before it moves. */
      const places = f.locals('i32', beamSize);
      const first = f.local('i32');
      f.for(first, zero, liveRows, beamSize, () =>
        f.block((next) => {
          const number = f.let(i32.div_u(first, beams));
          const group = f.let(at(table(begin.groups), number, GROUPS.rowBytes));
          const end = (why: number): void => f.do(i32.store(group, i32.const(why), GROUPS.offset.done));
          f.brIf(next, i32.load(group, GROUPS.offset.done));
          const ids = f.let(at(f.args.ids, first, 4 * perRow));
          const logprobs = f.let(at(f.args.logprobs, first, 4 * perRow));
          const moves = f.let(at(search, first, MOVES.rowBytes));
          const ruleStates = f.let(at(f.args.ruleState, first, RULE_STATE.rowBytes));
          f.for(beam, zero, beams, 1, () => {
            f.if(i32.eq(i32.load(at(ids, beam, 4 * perRow)), i32.const(NON_FINITE_TOKEN)), () => {
              end(GROUP_DONE.nonFinite);
              f.br(next);
            });
          });
          f.for(beam, zero, beams, 1, () =>
            f.do(i32.store(at(moves, beam, MOVES.rowBytes), zero, MOVES.offset.cursor)),
          );
          const rules = f.let(at(f.args.rules, i32.load(ruleStates, of.set), RULES.rowBytes));
          const step = f.let(i32.load(ruleStates, of.sampled));
          // All beams begin alike: of the first step the first one says all.
          const heads = f.let(select(beams, one, step));

          f.set(count, zero);
          f.while(i32.lt_s(count, beams), () => {
            f.set(best, beams);
            f.set(bestSum, f32.const(0));
            f.for(beam, zero, heads, 1, () => {
              f.set(cursor, i32.load(at(moves, beam, MOVES.rowBytes), MOVES.offset.cursor));
              f.if(i32.ne(cursor, i32.const(perRow)), () => {
                f.set(
                  sum,
                  f32.add(
                    f32.load(at(moves, beam, MOVES.rowBytes), MOVES.offset.total),
                    f32.load(at(at(logprobs, beam, 4 * perRow), cursor, 4)),
                  ),
                );
                f.if(i32.or(i32.eq(best, beams), f32.gt(sum, bestSum)), () => {
                  f.set(best, beam);
                  f.set(bestSum, sum);
                });
              });
            });
            f.set(token, i32.const(NO_TOKEN));
            const ofBest = f.let(at(moves, best, MOVES.rowBytes));
            f.if(i32.ne(best, beams), () => {
              f.set(cursor, i32.load(ofBest, MOVES.offset.cursor));
              f.set(token, i32.load(at(at(ids, best, 4 * perRow), cursor, 4)));
            });
            f.if(i32.eq(token, i32.const(NO_TOKEN)), () => {
              end(GROUP_DONE.short);
              f.br(next);
            });
            f.do(i32.store(ofBest, i32.add(cursor, one), MOVES.offset.cursor));
            f.if(
              i32.ne(token, i32.load(rules, RULES.offset.eot)),
              () => {
                const kept = f.let(at(moves, count, MOVES.rowBytes));
                const rule = f.let(at(ruleStates, best, RULE_STATE.rowBytes));
                f.do(i32.store(kept, best, MOVES.offset.source));
                f.do(i32.store(kept, token, MOVES.offset.token));
                const logprob = i32.load(at(at(logprobs, best, 4 * perRow), cursor, 4));
                f.do(i32.store(kept, logprob, MOVES.offset.logprob));
                f.do(f32.store(kept, bestSum, MOVES.offset.sum));
                f.do(i32.store(kept, i32.load(rule, of.lastTimestamp), MOVES.offset.lastTimestamp));
                f.do(i32.store(kept, i32.load(rule, of.lastIsTimestamp), MOVES.offset.lastIsTimestamp));
                f.increase(count, 1);
              },
              () => {
                const place = f.let(i32.load(group, GROUPS.offset.ended));
                f.if(i32.lt_s(place, i32.const(wanted)), () => {
                  const candidate = f.let(
                    at(at(table(begin.ended), number, wanted * ENDED.rowBytes), place, ENDED.rowBytes),
                  );
                  f.do(i32.store(candidate, best, ENDED.offset.beam));
                  f.do(i32.store(candidate, step, ENDED.offset.step));
                  const logprob = i32.load(at(at(logprobs, best, 4 * perRow), cursor, 4));
                  f.do(i32.store(candidate, logprob, ENDED.offset.logprob));
                  f.do(f32.store(candidate, bestSum, ENDED.offset.sum));
                  f.do(i32.store(group, i32.add(place, one), GROUPS.offset.ended));
                });
              },
            );
          });

          const after = f.let(i32.add(step, one));
          f.do(i32.store(group, after, GROUPS.offset.steps));
          const isOver = f.let(
            i32.or(
              i32.ge_u(i32.load(group, GROUPS.offset.ended), i32.const(wanted)),
              i32.ge_u(after, i32.load(loopState, LOOP_STATE.offset.limit)),
            ),
          );
          f.if(isOver, () => end(GROUP_DONE.over));

          f.if(i32.eqz(isOver), () => {
            f.set(allDone, zero);
            const slots = f.let(at(f.args.slotOf, first, 4 * steps));
            const state = f.let(at(f.args.rowState, first, ROW_STATE.rowBytes));
            const newPosition = f.let(i32.add(i32.load(state, ROW_STATE.offset.position), one));
            const sources = Array.from({ length: beamSize }, (_, each) =>
              f.let(i32.mul(i32.load(moves, each * MOVES.rowBytes + MOVES.offset.source), i32.const(4 * steps))),
            );
            f.for(position, zero, i32.const(steps), 1, () => {
              const column = f.let(at(slots, position, 4));
              for (const [each, source] of sources.entries()) f.set(places[each]!, i32.load(i32.add(column, source)));
              for (const [each, place] of places.entries()) f.do(i32.store(column, place, 4 * steps * each));
            });
            f.for(beam, zero, beams, 1, () => {
              const own = f.let(at(state, beam, ROW_STATE.rowBytes));
              const move = f.let(at(moves, beam, MOVES.rowBytes));
              f.do(i32.store(own, i32.load(move, MOVES.offset.token), ROW_STATE.offset.token));
              f.do(i32.store(own, newPosition, ROW_STATE.offset.position));
              f.do(i32.store(at(at(slots, beam, 4 * steps), newPosition, 4), i32.add(first, beam)));
            });
          });
          const place = min(f, step, i32.const(steps - 1));
          const line = f.let(at(at(table(begin.path), place, rows * PATH.rowBytes), first, PATH.rowBytes));
          f.for(beam, zero, beams, 1, () => {
            const move = f.let(at(moves, beam, MOVES.rowBytes));
            const rule = f.let(at(ruleStates, beam, RULE_STATE.rowBytes));
            const entry = f.let(at(line, beam, PATH.rowBytes));
            f.set(token, i32.load(move, MOVES.offset.token));
            const sum = f.let(i32.load(move, MOVES.offset.sum));
            f.do(i32.store(move, sum, MOVES.offset.total));
            f.do(i32.store(entry, sum, PATH.offset.sum));
            f.do(i32.store(entry, token, PATH.offset.token));
            f.do(i32.store(entry, i32.load(move, MOVES.offset.logprob), PATH.offset.logprob));
            f.do(i32.store(entry, i32.load(move, MOVES.offset.source), PATH.offset.source));
            const isTimestamp = f.let(
              i32.and(
                i32.ne(i32.load(rules, RULES.offset.hasTimestamps), zero),
                i32.ge_u(token, i32.load(rules, RULES.offset.timestampBegin)),
              ),
            );
            const penultimate = select(i32.load(move, MOVES.offset.lastIsTimestamp), one, step);
            f.do(i32.store(rule, penultimate, of.penultimateIsTimestamp));
            f.do(i32.store(rule, isTimestamp, of.lastIsTimestamp));
            const last = select(i32.add(token, one), i32.load(move, MOVES.offset.lastTimestamp), isTimestamp);
            f.do(i32.store(rule, last, of.lastTimestamp));
            f.do(i32.store(rule, after, of.sampled));
          });
        }),
      );
      f.do(i32.store(loopState, allDone, LOOP_STATE.offset.done));
    },
  },
];
