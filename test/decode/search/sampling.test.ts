import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../../src/base/random.ts';
import type { DecodingOptions } from '../../../src/decode/options.ts';
import { drawKey, GUMBEL_SPREAD, gumbel, gumbelAbove } from '../../../src/decode/search/gumbel.ts';
import { drawToken } from '../../../src/decode/search/sampling.ts';
import { DecodingTask } from '../../../src/decode/task.ts';
import { MASKED } from '../../../src/rules/logitRules.ts';
import { logitsOf, type Script, ScriptedInference } from '../../support/scriptedInference.ts';
import { smallTokenizer as tokenizer } from '../../support/tokenizer.ts';

const test = suite('sampling');

const { nVocab, eot } = tokenizer;
/** Any text of three letters a..d, the letters 8:4:2:1 at temperature 1. */
const letters: Script = ({ sampled }) =>
  sampled.length >= 3
    ? logitsOf(nVocab, { [eot]: 20 }, -100)
    : logitsOf(nVocab, { 97: Math.log(8), 98: Math.log(4), 99: Math.log(2), 100: 0 }, -100);

async function draw(script: Script, options: DecodingOptions, streams: number[] = [0]) {
  const inference = new ScriptedInference({ nVocab, script });
  const task = new DecodingTask(inference, tokenizer, { withoutTimestamps: true, temperature: 1, ...options });
  const audio = await inference.encode(new Float32Array(1));
  return task.run(streams.map((stream) => ({ audio, stream })));
}

test('draws follow the distribution, sharper or flatter with the temperature', async () => {
  for (const temperature of [0.5, 1, 2]) {
    const streams = Array.from({ length: 500 }, (_, i) => i);
    const results = await draw(letters, { temperature, seed: 3, sampleLen: 3 }, streams);
    const counts = new Float64Array(4);
    for (const { tokens } of results) for (const token of tokens) counts[token - 97]!++;
    const weights = [8, 4, 2, 1].map((w) => w ** (1 / temperature));
    const total = weights.reduce((a, b) => a + b);
    const n = counts.reduce((a, b) => a + b);
    assert.is(n, 1500);
    // Chi-squared of 3 degrees: above 16.3 in one of a thousand seeds.
    const chi = weights.reduce((sum, w, i) => sum + (counts[i]! - (n * w) / total) ** 2 / ((n * w) / total), 0);
    assert.ok(chi < 16.3, `seed 3, temperature ${temperature}: chi-squared ${chi}`);
  }
});

test('the log-probability is that before the temperature', async () => {
  const [result] = await draw(letters, { temperature: 2, seed: 1 });
  const expected = result!.tokens.map((token) => Math.fround(Math.log([8, 4, 2, 1][token - 97]! / 15)));
  result!.tokenLogprobs.forEach((logprob, i) => {
    assert.ok(Math.abs(logprob - expected[i]!) < 1e-6);
  });
});

test('the same seed draws the same, another seed, window or row another', async () => {
  const tokens = async (options: DecodingOptions, stream = 0) =>
    (await draw(letters, options, [stream])).map((r) => r.tokens.join())[0];
  assert.is(await tokens({ seed: 5 }), await tokens({ seed: 5 }));
  const bySeed = new Set<unknown>();
  const byStream = new Set<unknown>();
  for (let i = 0; i < 20; i++) {
    bySeed.add(await tokens({ seed: i }));
    byStream.add(await tokens({ seed: 5 }, i));
  }
  assert.ok(bySeed.size > 5 && byStream.size > 5);
});

test('of several draws the best for its length is kept', async () => {
  for (let seed = 0; seed < 10; seed++) {
    const [one] = await draw(letters, { seed });
    const [best] = await draw(letters, { seed, bestOf: 8 });
    assert.ok(best!.avgLogprob >= one!.avgLogprob, `seed ${seed}: the first of eight is the one`);
  }
  const [best] = await draw(letters, { seed: 1, bestOf: 60 });
  assert.is(best!.text, 'aaa');
});

test('rules hold while drawing', async () => {
  const [result] = await draw(() => new Float32Array(nVocab), { withoutTimestamps: false, seed: 9, temperature: 3 });
  const suppressed = new Set(tokenizer.nonSpeechTokens);
  assert.ok(result!.tokens.length > 0);
  assert.ok(result!.tokens[0]! >= tokenizer.timestampBegin && result!.tokens[0]! <= tokenizer.timestampBegin + 50);
  for (const token of result!.tokens) assert.not.ok(suppressed.has(token));
});

test('forbidden ids are never drawn, of equals the lowest wins', () => {
  const row = Float32Array.of(MASKED, 1, 1, MASKED);
  for (let key = 0; key < 50; key++) assert.ok([1, 2].includes(drawToken(row, 5, (id) => gumbel(key, id))));
  assert.is(
    drawToken(row, 1, () => 0),
    1,
  );
  assert.is(
    drawToken(row, 1e-6, (id) => (id === 2 ? 1 : 0)),
    2,
  );
});

test('who trails by more than the noise can lift is not looked at, and need not be', () => {
  const lowest = -Math.log(-Math.log(0.5 / 2 ** 24));
  const highest = -Math.log(-Math.log((2 ** 24 - 0.5) / 2 ** 24));
  assert.ok(highest - lowest <= GUMBEL_SPREAD, `${highest - lowest}`);
});

test('noise that cannot win is told without a logarithm, and changes no draw', () => {
  const leasts = [Number.NEGATIVE_INFINITY, -5, -2.9, -2.86, -1.0001, 0, 0.0625, 3.3, 17, 17.3, 40, Number.NaN];
  for (const least of leasts) {
    let told = 0;
    for (let id = 0; id < 20_000; id++) {
      const [whole, quick] = [gumbel(99, id), gumbelAbove(99, id, least)];
      assert.ok(quick === whole || (quick === Number.NEGATIVE_INFINITY && whole <= least), `${id}: ${whole}, ${least}`);
      told += Number(quick === Number.NEGATIVE_INFINITY);
    }
    if (least === 3.3) assert.ok(told > 18_500, `${told} of 20000`);
  }
  for (let key = 0; key < 30; key++) {
    const random = randomStream(key);
    const row = Float32Array.from({ length: 3000 }, () => 8 * random());
    for (const temperature of [0.2, 1, 7])
      assert.is(
        drawToken(row, temperature, (id, least) => gumbelAbove(key, id, least)),
        drawToken(row, temperature, (id) => gumbel(key, id)),
      );
  }
});

// Other devices must draw the same: these are the numbers.
test('vectors of the generator', () => {
  assert.equal(
    [drawKey(0, 0, 0, 0), drawKey(7, 3000, 4, 17), drawKey(2 ** 32 - 1, 1, 1, 1)],
    [407902920, 2699226479, 1643574648],
  );
  assert.ok(Math.abs(gumbel(12345, 678) - -0.34454273811995934) < 1e-12);
});

test.run();
