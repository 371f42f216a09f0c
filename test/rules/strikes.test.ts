/** The rules by name, on the vocabulary of logitRules.test.ts, and against `applyRules`. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomBits } from '../../src/base/random.ts';
import { applyRules, type LogitRules, MASKED, ruleState } from '../../src/rules/logitRules.ts';
import { type RuleName, strikes } from '../../src/rules/strikes.ts';

const test = suite('strikes');

const eot = 10;
const begin = 13;
const nVocab = begin + 11;
const ts = (tick: number): number => begin + tick;
const timestamps = { begin, noTimestamps: 12, eot };
const plain: LogitRules = { eot, suppress: [], suppressAtStart: [], timestamps };
const flat = (): Float32Array => new Float32Array(nVocab).map((_, id) => (id < begin ? 5 : 0));

test('each rule has its name', () => {
  const massive = flat().map((value, id) => (id < begin ? value : 6));
  const filtered = flat();
  filtered[4] = MASKED;
  const rows: [RuleName | undefined, number, number[], Partial<LogitRules>, Float32Array, number?][] = [
    ['filter', 4, [ts(0)], { suppress: [4] }, filtered],
    ['suppressBlank', 3, [], { suppressAtStart: [3, eot] }, flat()],
    [undefined, 3, [ts(0)], { suppressAtStart: [3, eot] }, flat()],
    ['suppressTokens', 3, [], { suppressAtStart: [4], suppress: [3, 4] }, flat()],
    ['suppressBlank', 4, [], { suppressAtStart: [4], suppress: [3, 4] }, flat()],
    ['noTimestampsToken', 12, [ts(0), 1], {}, flat()],
    ['initialTimestamp', 2, [], {}, flat()],
    ['maxInitialTimestamp', ts(3), [], { timestamps: { ...timestamps, maxInitial: 2 } }, flat()],
    [undefined, ts(2), [], { timestamps: { ...timestamps, maxInitial: 2 } }, flat()],
    ['timestampPair', 2, [ts(0), 1, ts(3)], {}, flat()],
    [undefined, eot, [ts(0), 1, ts(3)], {}, flat()],
    ['timestampPair', ts(5), [ts(0), 1, ts(3), ts(3)], {}, flat()],
    ['timestampOrder', ts(2), [ts(0), 1, ts(3)], {}, flat()],
    ['timestampOrder', ts(3), [ts(3), 1], {}, flat()],
    ['timestampMass', 2, [ts(0), 1], {}, massive],
    ['moreSpeech', eot, [ts(0), 1, ts(3), ts(3)], {}, flat(), ts(8)],
    [undefined, eot, [ts(0), 1, ts(3), ts(3)], {}, flat(), ts(3)],
  ];
  for (const [name, token, sampled, changes, row, noEndBefore] of rows) {
    const rules = { ...plain, ...changes };
    const { ruleOf } = strikes(row, ruleState(sampled, rules, noEndBefore), rules);
    assert.is(ruleOf(token), name, `${token} after ${sampled} should be struck by ${name}`);
  }
});

test('what is struck is what applyRules masks, and so is the sum of the rest', () => {
  let draw = 0;
  const random = (below: number): number => randomBits(7, draw++) % below;
  for (let round = 0; round < 3000; round++) {
    const rules: LogitRules = {
      eot,
      suppress: Array.from({ length: random(3) }, () => random(begin)),
      suppressAtStart: random(2) ? [random(10), eot] : [],
      timestamps: random(5) === 0 ? undefined : { ...timestamps, maxInitial: random(3) ? random(8) : undefined },
    };
    const sampled = Array.from({ length: random(5) }, () => (random(2) ? random(10) : ts(random(11))));
    const state = ruleState(sampled, rules, random(3) ? 0 : ts(random(11)));
    const row = new Float32Array(nVocab).map(() => (random(20) === 0 ? MASKED : random(1000) / 100));
    const { ruleOf, logSum } = strikes(row, state, rules);
    const masked = row.slice();
    const expected = applyRules(masked, state, rules);
    const struck = [...row.keys()].filter((id) => ruleOf(id) !== undefined);
    assert.equal(
      struck,
      [...row.keys()].filter((id) => masked[id]! <= MASKED),
      `round ${round}`,
    );
    assert.is(logSum, expected, `round ${round}`);
  }
});

test.run();
