import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NumericError, OptionsError } from '../../src/base/errors.ts';
import type { AudioFeatures, BeamsResult, Inference } from '../../src/decode/inference.ts';
import type { DecodingOptions } from '../../src/decode/options.ts';
import { type DecodingResult, DecodingTask } from '../../src/decode/task.ts';
import { logitsOf, playTokens, type Script, ScriptedInference } from '../support/scriptedInference.ts';
import { throws } from '../support/throws.ts';
import { englishTokenizer, tinyTokenizer as tokenizer, ts } from '../support/tokenizer.ts';

const test = suite('decoding task');

const { nVocab, eot, sot, sotPrev, noTimestamps, timestampBegin: tsb } = tokenizer;
const mel = new Float32Array(1);
const ask = [sot, tokenizer.languageToken('en'), tokenizer.transcribe];

interface Run {
  readonly result: DecodingResult;
  readonly inference: ScriptedInference;
}

async function decode(
  script: Script,
  options: DecodingOptions = {},
  given: Partial<{ nTextCtx: number }> = {},
): Promise<Run> {
  const inference = new ScriptedInference({ nVocab, script, ...given });
  const task = new DecodingTask(inference, tokenizer, { language: 'en', ...options });
  const audio = await inference.encode(mel);
  try {
    const [result] = await task.run([{ audio }]);
    return { result: result!, inference };
  } finally {
    audio.close();
    assert.is(inference.open, 0, 'everything is closed');
  }
}

/** The initial tokens that options lead to. */
async function initial(options: DecodingOptions): Promise<{ tokens: readonly number[]; sotIndex: number }> {
  const { inference } = await decode(() => logitsOf(nVocab, { [eot]: 20 }), options);
  const { initialTokens, sotIndex } = inference.starts[0]!.groups[0]!;
  return { tokens: initialTokens, sotIndex };
}

const words = (n: number, from = 300): number[] => Array.from({ length: n }, (_, i) => from + i);

test('initial tokens: start sequence, language, task, no timestamps', async () => {
  assert.equal(await initial({}), { tokens: ask, sotIndex: 0 });
  assert.equal((await initial({ withoutTimestamps: true })).tokens, [...ask, noTimestamps]);
  assert.equal((await initial({ language: 'German', task: 'translate' })).tokens, [sot, 50261, tokenizer.translate]);
});

test('initial tokens: the last 223 of the prompt stand in front', async () => {
  assert.equal(await initial({ prompt: [400, 370] }), { tokens: [sotPrev, 400, 370, ...ask], sotIndex: 3 });
  assert.equal((await initial({ prompt: words(300) })).tokens, [sotPrev, ...words(223, 377), ...ask]);
  assert.equal((await initial({ prompt: '\u0085And so,\n' })).tokens, [sotPrev, 400, 370, 11, ...ask], 'stripped text');
  assert.equal((await initial({ prompt: '' })).tokens, ask);
  assert.equal((await initial({ prompt: [] })).tokens, ask);
  assert.equal((await initial({ prompt: ' ' })).tokens, [sotPrev, 220, ...ask], 'a space is a prompt');
});

test('initial tokens: prefix, cut by the sample length', async () => {
  assert.equal((await initial({ prefix: 'And so' })).tokens, [...ask, 400, 370]);
  assert.equal((await initial({ prefix: words(100) })).tokens, [...ask, ...words(100)], 'all of it by default');
  assert.equal((await initial({ prefix: words(10), sampleLen: 220 })).tokens, [...ask, ...words(4, 306)]);
  assert.equal((await initial({ prefix: words(2), prompt: [400], withoutTimestamps: true })).tokens, [
    sotPrev,
    400,
    ...ask,
    noTimestamps,
    ...words(2),
  ]);
});

test('a prefix that leaves no room is refused', async () => {
  await throws(OptionsError, 'promptTooLong', initial({ prefix: words(445) }));
  await initial({ prefix: words(444) });
});

test('tokens, text, scores', async () => {
  const said = [ts(0), 400, 370, 452, ts(2)];
  const { result } = await decode(playTokens(nVocab, eot, [said]));
  assert.equal([...result.tokens], said);
  assert.is(result.text, 'And so my');
  assert.is(result.language, 'en');
  assert.is(result.temperature, 0);
  assert.is(result.tokenLogprobs.length, said.length);
  assert.is(result.compressionRatio, 9 / 17);
});

test('the average counts eot once, sums in f32', async () => {
  // Each token has probability 1/4 among four; without timestamps no rule changes that.
  const sequence = [400, 370, 452, 7177, eot];
  const script: Script = ({ sampled }) => {
    const token = sequence[sampled.length]!;
    return logitsOf(nVocab, { [token]: 10, [token + 1]: 9, [token + 2]: 8.5 }, -1e4);
  };
  const { result } = await decode(script, { withoutTimestamps: true, suppressTokens: '', suppressBlank: false });
  const each = Math.fround(10 - Math.log(Math.exp(10) + Math.exp(9) + Math.exp(8.5)));
  let sum = 0;
  for (let i = 0; i < 5; i++) sum = Math.fround(sum + each);
  assert.is(result.avgLogprob, sum / 5);
  assert.equal([...result.tokenLogprobs], [each, each, each, each]);
});

test('no-speech is read behind sot, of the unfiltered logits', async () => {
  const script: Script = ({ history }) => {
    if (history.at(-1) === sot) return logitsOf(nVocab, { [tokenizer.noSpeech!]: Math.log(3) }, -100).fill(0, 7, 8);
    return logitsOf(nVocab, { [eot]: 20, [tokenizer.noSpeech!]: 30 });
  };
  for (const options of [{}, { prompt: [400, sot, 370] }, { prefix: [400] }, { withoutTimestamps: true }]) {
    const { result } = await decode(script, options);
    assert.ok(Math.abs(result.noSpeechProb - 0.75) < 1e-6, JSON.stringify(options));
  }
});

test('stops at the sample length, and where the context is full', async () => {
  const endless: Script = ({ sampled }) => logitsOf(nVocab, { [400 + (sampled.length % 7)]: 20 });
  const length = async (options: DecodingOptions) =>
    (await decode(endless, { withoutTimestamps: true, ...options })).result.tokens.length;
  assert.is(await length({}), 224);
  assert.is(await length({ sampleLen: 12 }), 12);
  assert.is(await length({ prompt: words(300) }), 221, '449 - (1 + 223 + 4)');
  assert.is(await length({ sampleLen: 1000 }), 445);
});

test('without an end the average still divides by one more', async () => {
  const { result } = await decode(() => logitsOf(nVocab, { 400: 20 }), { withoutTimestamps: true, sampleLen: 3 });
  assert.equal([...result.tokens], [400, 400, 400]);
  assert.is(result.avgLogprob, result.tokenLogprobs.reduce((a, b) => Math.fround(a + b), 0) / 4);
});

test('ties go to the lowest id', async () => {
  const { result } = await decode(
    ({ sampled }) => logitsOf(nVocab, sampled.length < 2 ? { 500: 9, 400: 9, 450: 9 } : { [eot]: 20 }),
    {
      withoutTimestamps: true,
    },
  );
  assert.equal([...result.tokens], [400, 400]);
});

test('suppression: by default, by list, switched off', async () => {
  const suppressed = async (options: DecodingOptions): Promise<number[]> => {
    const { inference } = await decode(() => logitsOf(nVocab, { [eot]: 20 }), options);
    return [...inference.starts[0]!.rules.suppress];
  };
  const specials = [50258, 50358, 50359, 50360, 50361, 50362];
  assert.equal(await suppressed({}), [...tokenizer.nonSpeechTokens, ...specials]);
  assert.equal(await suppressed({ suppressTokens: '-1,11,13' }), [
    ...[...tokenizer.nonSpeechTokens, 11, 13].sort((a, b) => a - b),
    ...specials,
  ]);
  assert.equal(await suppressed({ suppressTokens: [11, 13, 11] }), [11, 13, ...specials]);
  for (const suppressTokens of ['', [], null] as const) assert.equal(await suppressed({ suppressTokens }), []);
  for (const suppressTokens of ['-2', 'x', '1,,2', '51865', [1.5], ' ']) {
    await throws(OptionsError, 'suppressTokens', suppressed({ suppressTokens }));
  }
});

test('the rules that options lead to', async () => {
  const rules = async (options: DecodingOptions) =>
    (await decode(() => logitsOf(nVocab, { [eot]: 20 }), options)).inference.starts[0]!.rules;
  assert.equal((await rules({})).suppressAtStart, [220, eot]);
  assert.equal((await rules({ suppressBlank: false })).suppressAtStart, []);
  assert.equal((await rules({})).timestamps, { begin: tsb, noTimestamps, eot, maxInitial: 50 });
  assert.is((await rules({ maxInitialTimestamp: 0.5 })).timestamps?.maxInitial, 25);
  assert.is((await rules({ maxInitialTimestamp: 0 })).timestamps?.maxInitial, undefined);
  assert.is((await rules({ maxInitialTimestamp: null })).timestamps?.maxInitial, undefined);
  assert.is((await rules({ withoutTimestamps: true })).timestamps, undefined);
});

test('the language is detected if not given', async () => {
  const script: Script = ({ history, sampled }) =>
    history.length === 1
      ? logitsOf(nVocab, { 50261: 3, 50262: 2, 400: 50 })
      : logitsOf(nVocab, { [sampled.length === 0 ? ts(0) : eot]: 20 });
  const { result, inference } = await decode(script, { language: undefined });
  assert.is(result.language, 'de');
  assert.equal(inference.starts[1]!.groups[0]!.initialTokens, [sot, 50261, tokenizer.transcribe]);
  const probabilities = result.detection!.probabilities;
  assert.equal(Object.keys(probabilities).slice(0, 2), ['de', 'es']);
  assert.ok(Math.abs(probabilities.de! / probabilities.es! - Math.E) < 1e-5);
  assert.ok(Math.abs(Object.values(probabilities).reduce((a, b) => a + b, 0) - 1) < 1e-6);
});

test('logits that are no numbers raise, wherever they come up', async () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const script: Script = ({ sampled }) =>
      logitsOf(nVocab, { [sampled.length === 0 ? ts(0) : 400]: 20, ...(sampled.length === 2 ? { 7: bad } : {}) });
    await throws(NumericError, 'nonFinite', decode(script));
    await throws(NumericError, 'nonFinite', decode(script, { beamSize: 2 }));
    await throws(NumericError, 'nonFinite', decode(script, { temperature: 0.5 }));
    const language: Script = () => logitsOf(nVocab, { 50300: bad });
    await throws(NumericError, 'nonFinite', decode(language, { language: undefined }));
  }
});

test('windows are decoded together, each on its own', async () => {
  const said = [
    [ts(0), 400, ts(1)],
    [ts(0.5), 370, 452, ts(2)],
  ];
  const inference = new ScriptedInference({ nVocab, script: playTokens(nVocab, eot, said) });
  const task = new DecodingTask(inference, tokenizer, { language: 'en' });
  await inference.reserveAudio(2);
  const audio = [await inference.encode(mel), await inference.encode(mel)];
  for (const prompts of [
    [undefined, undefined],
    [words(220), undefined],
    [undefined, words(230)],
  ]) {
    const results = await task.run(audio.map((a, i) => ({ audio: a, prompt: prompts[i] })));
    assert.equal(
      results.map(({ tokens }) => [...tokens]),
      said,
      'with equal and unequal room',
    );
  }
  assert.equal(await task.run([]), []);
});

test('windows with more rows than one decoding holds are decoded in parts', async () => {
  const choices: readonly (readonly [options: DecodingOptions, maxRows?: number])[] = [
    [{ beamSize: 100 }],
    [{ temperature: 1, bestOf: 128 }],
    // An engine that has room for fewer.
    [{ beamSize: 5 }, 14],
  ];
  for (const [options, maxRows] of choices) {
    const said = [300, 301, 302, 303, 304].map((word) => [tsb, word]);
    const scripted = new ScriptedInference({ nVocab, script: playTokens(nVocab, eot, said) });
    const inference = maxRows === undefined ? scripted : Object.assign(scripted, { maxRows });
    await inference.reserveAudio(said.length);
    const audio: AudioFeatures[] = [];
    for (const _ of said) audio.push(await inference.encode(mel));
    const results = await new DecodingTask(inference, tokenizer, { language: 'en', ...options }).run(
      audio.map((one) => ({ audio: one })),
    );
    assert.equal(
      results.map(({ tokens }) => [...tokens]),
      said,
    );
    assert.equal(
      inference.starts.map(({ groups }) => groups.length),
      [2, 2, 1],
    );
  }
});

test('English-only models', async () => {
  const inference = new ScriptedInference({
    nVocab: 51864,
    script: playTokens(51864, englishTokenizer.eot, [[englishTokenizer.timestampBegin, 400]]),
  });
  const audio = await inference.encode(mel);
  const [result] = await new DecodingTask(inference, englishTokenizer).run([{ audio }]);
  assert.equal(inference.starts[0]!.groups[0]!.initialTokens, [englishTokenizer.sot]);
  assert.is(inference.starts.length, 1, 'no detection');
  assert.is(result!.language, 'en');
  await throws(OptionsError, 'task', () => new DecodingTask(inference, englishTokenizer, { task: 'translate' }));
  await throws(OptionsError, 'language', () => new DecodingTask(inference, englishTokenizer, { language: 'de' }));
});

test('an unknown language is refused', async () => {
  const inference = new ScriptedInference({ nVocab, script: () => new Float32Array(nVocab) });
  await throws(OptionsError, 'language', () => new DecodingTask(inference, tokenizer, { language: 'xx' }));
});

test('beams are searched by an engine that can, unless somebody has a say in the logits', async () => {
  const run = async (found: BeamsResult | undefined, options: DecodingOptions = {}) => {
    const inference: ScriptedInference & Pick<Inference, 'beams'> = new ScriptedInference({
      nVocab,
      script: playTokens(nVocab, eot, [[tsb, 300, tsb + 50]]),
    });
    const asked: unknown[] = [];
    inference.beams = async (groups, _rules, end) => {
      asked.push([groups.map(({ rows }) => rows), end]);
      return found;
    };
    const task = new DecodingTask(inference, tokenizer, { language: 'en', beamSize: 2, patience: 2, ...options });
    const audio = await inference.encode(mel);
    const [result] = await task.run([{ audio }]);
    audio.close();
    return { asked, result: result!, stepwise: inference.starts.length };
  };
  const sequence = (token: number, sumLogprob: number) => ({ tokens: [token], logprobs: [sumLogprob], sumLogprob });
  const noSpeechProb = Float32Array.of(0.25);
  const groups = [{ ended: [sequence(300, -3)], running: [sequence(301, -1), sequence(302, -2)] }];
  const found = await run({ groups, noSpeechProb });
  assert.equal(found.asked, [[[2], { wanted: 4, limit: 224 }]]);
  assert.equal(found.result.tokens, [301], 'running beams fill the candidates up to the number of beams');
  assert.is(found.result.noSpeechProb, 0.25);
  assert.is(found.stepwise, 0);
  const refused = await run(undefined);
  assert.equal(refused.result.tokens, [tsb, 300, tsb + 50]);
  assert.is(refused.stepwise, 1);
  const filtered = await run({ groups, noSpeechProb }, { repetitionPenalty: 1.1 });
  assert.equal(filtered.asked, []);
  assert.is(filtered.stepwise, 1);
});

test.run();
