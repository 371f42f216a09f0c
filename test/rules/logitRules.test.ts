/** The rules one by one, on a vocabulary small enough to see: 0..9 text, 10 eot, 11 sot, 12 notimestamps, 13.. timestamps. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyRules, type LogitRules, logSumExp, MASKED, ruleState } from '../../src/rules/logitRules.ts';

const test = suite('logitRules');

const eot = 10;
const noTimestamps = 12;
const begin = 13;
const nVocab = begin + 11; // 0.00 .. 0.20
const ts = (tick: number): number => begin + tick;
const timestamps = { begin, noTimestamps, eot };
const rules = (changes: Partial<LogitRules> = {}): LogitRules => ({
  eot,
  suppress: [],
  suppressAtStart: [],
  timestamps,
  ...changes,
});

/** Ids that stay allowed after `sampled`, of a row that is flat (or as given). */
function allowed(sampled: readonly number[], given: LogitRules, row = flat()): number[] {
  applyRules(row, ruleState(sampled, given), given);
  return [...row.keys()].filter((id) => row[id]! > MASKED);
}
/** Text so much more probable than timestamps that rule e does not decide. */
function flat(): Float32Array {
  return new Float32Array(nVocab).map((_, id) => (id < begin ? 5 : 0));
}
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const text = [...range(0, 12)]; // without notimestamps; eot and sot are below timestamps too

test('nothing is forbidden without rules', () => {
  const none = rules({ timestamps: undefined });
  assert.equal(allowed([], none), range(0, nVocab));
  assert.equal(allowed([3, ts(4)], none), range(0, nVocab));
});

test('suppressed ids, at every step', () => {
  const given = rules({ timestamps: undefined, suppress: [1, 11] });
  for (const sampled of [[], [3], [3, ts(2)]]) {
    assert.equal(
      allowed(sampled, given),
      range(0, nVocab).filter((id) => id !== 1 && id !== 11),
    );
  }
});

test('a pair of timestamps before the last words is not the end', () => {
  const given = rules();
  const open = (sampled: readonly number[], noEndBefore: number): boolean => {
    const row = flat();
    applyRules(row, ruleState(sampled, given, noEndBefore), given);
    return row[eot]! > MASKED;
  };
  const pair = [ts(0), 3, ts(4), ts(4)];
  assert.ok(open(pair, 0));
  assert.ok(open(pair, ts(4)));
  assert.not.ok(open(pair, ts(5)));
  assert.not.ok(open([ts(0), 3, ts(4), ts(5)], ts(6)));
  assert.ok(open([...pair, 3], ts(9)), 'after text it may end');
  assert.ok(open(pair.slice(0, 3), ts(9)), 'and after one timestamp, which is the end of what is there');
  assert.ok(open([ts(0)], ts(9)), 'or without any text');
});

test('blank, at the first step only', () => {
  const given = rules({ timestamps: undefined, suppressAtStart: [2, eot] });
  assert.equal(
    allowed([], given),
    range(0, nVocab).filter((id) => id !== 2 && id !== eot),
  );
  assert.equal(allowed([3], given), range(0, nVocab));
});

// [what, sampled, allowed]
const timestampRows: [string, number[], number[]][] = [
  ['first comes a timestamp', [], range(begin, nVocab)],
  ['after the first timestamp comes text', [ts(0)], text],
  ['after text: text or a later timestamp', [ts(0), 3], [...text, ...range(ts(1), nVocab)]],
  ['later than the last, not the first', [ts(2), 3, 4], [...text, ...range(ts(3), nVocab)]],
  [
    'after text and a timestamp: its pair, which may be equal, or eot',
    [ts(0), 3, ts(4)],
    [eot, 11, ...range(ts(4), nVocab)],
  ],
  ['after a pair comes text', [ts(0), 3, ts(4), ts(4)], text],
  ['after a pair and text: later than the pair', [ts(0), 3, ts(4), ts(5), 3], [...text, ...range(ts(6), nVocab)]],
  ['at the last tick: its pair or eot', [ts(0), 3, ts(10)], [eot, 11, ts(10)]],
  ['after the last pair: text alone', [ts(0), 3, ts(10), ts(10)], text],
  ['after text behind it: no timestamp is left', [ts(0), 3, ts(10), ts(10), 3], text],
  ['text first (a script may): no pair yet, as if one stood before', [3], [...text, ...range(begin, nVocab)]],
];
for (const [what, sampled, expected] of timestampRows) {
  test(what, () => assert.equal(allowed(sampled, rules()), expected));
}

test('the first timestamp has a latest time', () => {
  const given = rules({ timestamps: { ...timestamps, maxInitial: 3 } });
  assert.equal(allowed([], given), range(begin, ts(3) + 1));
  assert.equal(allowed([ts(0), 3], given), [...text, ...range(ts(1), nVocab)], 'later ones have none');
});

test('timestamps together more probable than the best text: a timestamp', () => {
  // Ten timestamps of equal logit 0 weigh log(10) = 2.3026 together (0.02 .. 0.20 after 0.00 was said).
  for (const [best, wins] of [
    [2.3, true],
    [2.31, false],
  ] as const) {
    const row = new Float32Array(nVocab).fill(0);
    row.fill(-30, 0, begin);
    row[4] = best;
    const expected = wins ? range(ts(1), nVocab) : [...text, ...range(ts(1), nVocab)];
    assert.equal(allowed([ts(0), 3], rules(), row), expected, `best text ${best}`);
  }
});

test('an equal sum does not win, and forbidden text does not count', () => {
  const one = (best: number, id: number): number[] => {
    const row = new Float32Array(nVocab).fill(-1000);
    row[ts(5)] = 1;
    row[id] = best;
    return allowed([ts(0), 3], rules({ suppress: [4] }), row);
  };
  assert.ok(one(1, 3).includes(3), 'equal: text stays');
  assert.equal(one(1.001, 4), range(ts(1), nVocab), 'suppressed text does not hold timestamps off');
  assert.equal(one(0.999, eot), range(ts(1), nVocab), 'eot counts as text');
});

test('gives the log-sum of what is left', () => {
  const row = new Float32Array(nVocab).fill(-50);
  row[3] = 2;
  row[4] = 1;
  row[5] = 9;
  const sum = applyRules(row, ruleState([], rules()), rules({ timestamps: undefined, suppress: [5] }));
  assert.ok(Math.abs(sum - Math.log(Math.exp(2) + Math.exp(1))) < 1e-12);
});

test('a row with NaN or infinity gives NaN', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const row = flat();
    row[7] = bad;
    assert.ok(Number.isNaN(applyRules(row, ruleState([], rules()), rules())));
  }
});

test('log-sum-exp: large, small, nothing', () => {
  assert.is(logSumExp([1000, 1000], 0, 2), 1000 + Math.log(2));
  assert.is(logSumExp([-1000, -1000], 0, 2), -1000 + Math.log(2));
  assert.is(logSumExp([MASKED, MASKED], 0, 2), MASKED);
  assert.is(logSumExp([1], 0, 0), MASKED);
});

test.run();
