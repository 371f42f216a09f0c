import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NumericError } from '../../src/base/errors.ts';
import { randomBits } from '../../src/base/random.ts';
import { FilteredDecoding } from '../../src/decode/logitFilter.ts';
import type { DecodingOptions, LogitFilter } from '../../src/decode/options.ts';
import { largest } from '../../src/decode/search/topK.ts';
import { DecodingTask } from '../../src/decode/task.ts';
import { logitsOf, type Script, ScriptedInference } from '../support/scriptedInference.ts';
import { throws } from '../support/throws.ts';
import { smallTokenizer as tokenizer } from '../support/tokenizer.ts';

const test = suite('logit filter');

const { nVocab, eot } = tokenizer;

async function decode(script: Script, options: DecodingOptions) {
  const inference = new ScriptedInference({ nVocab, script });
  const audio = await inference.encode(new Float32Array(1));
  const [result] = await new DecodingTask(inference, tokenizer, options).run([{ audio }]);
  return result!;
}
const babble =
  (seed: number): Script =>
  ({ history, sampled }) => {
    const key = history.reduce((k, token) => randomBits(k, token), seed);
    const row = new Float32Array(nVocab).map((_, id) => (randomBits(key, id) / 2 ** 32) * 3);
    row[eot]! += sampled.length / 2;
    return row;
  };
const plain: DecodingOptions = { withoutTimestamps: true };

test('a filter that changes nothing changes nothing, whatever the search', async () => {
  const nothing: LogitFilter = () => {};
  for (const options of [{}, { beamSize: 3 }, { temperature: 0.7, bestOf: 2, seed: 4 }, plain]) {
    for (let seed = 0; seed < 3; seed++) {
      assert.equal(
        await decode(babble(seed), { ...options, logitFilter: nothing }),
        await decode(babble(seed), options),
      );
    }
  }
});

test('a filter comes before the rules and sees what its row sampled', async () => {
  const seen: string[] = [];
  const text = (
    await decode(({ sampled }) => logitsOf(nVocab, { [sampled.length < 3 ? 97 : eot]: 9, 98: 8 }), {
      ...plain,
      logitFilter: (logits, sampled) => {
        seen.push(sampled.join());
        if (sampled.length === 1) logits[97] = Number.NEGATIVE_INFINITY;
        logits[42] = 99; // an asterisk is suppressed all the same
      },
    })
  ).text;
  assert.is(text, 'aba');
  assert.equal(seen, ['', '97', '97,98', '97,98,97']);
});

test('beams that are rearranged keep their own history', async () => {
  const logitFilter: LogitFilter = (logits, sampled) => {
    // Nothing twice.
    for (const token of sampled) logits[token] = Number.NEGATIVE_INFINITY;
  };
  for (let seed = 0; seed < 5; seed++) {
    const { tokens } = await decode(babble(seed), { ...plain, beamSize: 4, logitFilter });
    assert.is(new Set(tokens).size, tokens.length, `seed ${seed}`);
  }
});

test('repetition costs', async () => {
  const script: Script = ({ sampled }) => logitsOf(nVocab, { [sampled.length < 4 ? 97 : eot]: 4, 98: 3, 99: -1 });
  assert.is((await decode(script, plain)).text, 'aaaa');
  assert.is(
    (await decode(script, { ...plain, repetitionPenalty: 1.5 })).text,
    'abaa',
    '4 / 1.5 is less than 3, more than 2',
  );
  const below: Script = ({ sampled }) => logitsOf(nVocab, { [sampled.length < 2 ? 97 : eot]: -1, 98: -1.5 });
  assert.is((await decode(below, { ...plain, repetitionPenalty: 2 })).text, 'ab', 'a negative logit is multiplied');
});

test('no run of tokens comes twice', async () => {
  const loop: Script = ({ sampled }) => logitsOf(nVocab, { [97 + (sampled.length % 2)]: 9, [eot]: 5 });
  assert.is((await decode(loop, { ...plain, sampleLen: 6 })).text, 'ababab');
  assert.is((await decode(loop, { ...plain, noRepeatNgramSize: 3 })).text, 'abab', 'aba is there, so the end');
  assert.is((await decode(loop, { ...plain, noRepeatNgramSize: 1 })).text, 'ab');
});

test('numbers that are none raise, from the model and from the filter', async () => {
  const filters: [Script, LogitFilter][] = [
    [() => logitsOf(nVocab, { 7: Number.NEGATIVE_INFINITY }), () => {}],
    [
      () => logitsOf(nVocab, {}),
      (logits) => {
        logits[7] = Number.NaN;
      },
    ],
  ];
  for (const [script, filter] of filters) {
    await throws(NumericError, 'nonFinite', decode(script, { logitFilter: filter }));
  }
});

test('a part of the logits', async () => {
  const inference = new ScriptedInference({
    nVocab,
    script: () => Float32Array.from({ length: nVocab }, (_, id) => id),
  });
  const audio = await inference.encode(new Float32Array(1));
  const rules = { eot, suppress: [], suppressAtStart: [] };
  const groups = [{ audio, initialTokens: [tokenizer.sot], sotIndex: 0, rows: 2 }];
  const inner = await inference.start(groups, rules);
  const decoding = new FilteredDecoding(inner, groups, nVocab, rules, (logits) => {
    logits[5] = 50;
  });
  assert.equal([...(await decoding.logits(4, 7))], [4, 50, 6, 4, 50, 6]);
});

test('the k largest, of equals the lower index first', () => {
  assert.equal(largest([1, 3, 2, 3], 3), [1, 3, 2]);
  assert.equal(largest([5, 5, 5], 2), [0, 1]);
  assert.equal(largest([1], 4), [0]);
  assert.equal(largest([], 2), []);
  const values = Array.from({ length: 300 }, (_, i) => randomBits(9, i) % 40);
  const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
  assert.equal(largest(values, 50), order.slice(0, 50));
});

test.run();
