import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FallbackDecoder, isSilence, needsFallback, type QualityThresholds } from '../../src/decode/fallback.ts';
import type { DecodingOptions } from '../../src/decode/options.ts';
import type { DecodingResult } from '../../src/decode/task.ts';
import { logitsOf, type Script, ScriptedInference } from '../support/scriptedInference.ts';
import { smallTokenizer as tokenizer } from '../support/tokenizer.ts';

const test = suite('fallback');

const { nVocab, eot } = tokenizer;
const defaults: QualityThresholds = { compressionRatioThreshold: 2.4, logprobThreshold: -1, noSpeechThreshold: 0.6 };

function result(compressionRatio: number, avgLogprob: number, noSpeechProb: number): DecodingResult {
  const scores = { compressionRatio, avgLogprob, noSpeechProb };
  return { language: 'en', tokens: [], tokenLogprobs: [], text: '', temperature: 0, ...scores };
}

// [ratio, average log-probability, no-speech probability, changed thresholds, falls back, is silence]
const rows: [number, number, number, Partial<QualityThresholds>, boolean, boolean][] = [
  [1.5, -0.5, 0.1, {}, false, false],
  [2.5, -0.5, 0.1, {}, true, false],
  [2.4, -1, 0.6, {}, false, false],
  [1.5, -1.1, 0.1, {}, true, false],
  [1.5, -1.1, 0.7, {}, false, true],
  [2.5, -1.1, 0.7, {}, false, true],
  [2.5, -0.5, 0.7, {}, true, false],
  [1.5, -1, 0.7, {}, false, true],
  [9, -0.5, 0.1, { compressionRatioThreshold: null }, false, false],
  [1.5, -9, 0.1, { logprobThreshold: null }, false, false],
  [1.5, -9, 0.7, { logprobThreshold: null }, false, true],
  [2.5, -9, 0.7, { logprobThreshold: null }, true, true],
  [1.5, -9, 0.9, { noSpeechThreshold: null }, true, false],
  [0, 0, 0.5, { noSpeechThreshold: 0 }, false, false],
];
for (const [ratio, average, noSpeech, changed, fallsBack, silence] of rows) {
  test(`ratio ${ratio}, average ${average}, no speech ${noSpeech}, ${JSON.stringify(changed)}`, () => {
    const thresholds = { ...defaults, ...changed };
    assert.is(needsFallback(result(ratio, average, noSpeech), thresholds), fallsBack);
    assert.is(isSilence(result(ratio, average, noSpeech), thresholds), silence);
  });
}

async function run(script: Script, options: DecodingOptions, temperatures: number[], windows = 1) {
  const inference = new ScriptedInference({ nVocab, script });
  await inference.reserveAudio(windows);
  const audio = await Promise.all(Array.from({ length: windows }, () => inference.encode(new Float32Array(1))));
  const decoder = new FallbackDecoder(
    inference,
    tokenizer,
    { withoutTimestamps: true, ...defaults, ...options },
    temperatures,
  );
  const results = await decoder.run(audio.map((a, i) => ({ audio: a, stream: i })));
  return { results, rows: inference.starts.map(({ groups }) => groups.map((group) => group.rows)) };
}
/** Loops for ever. */
const loop: Script = () => logitsOf(nVocab, { 97: 20 });
/** Says three letters; window 1 loops. */
const second: Script = (context) => (context.window === 1 ? loop(context) : short(context));
const short: Script = ({ sampled }) => logitsOf(nVocab, { [sampled.length < 3 ? 97 + sampled.length : eot]: 20 });

test('the first good result is kept', async () => {
  const { results, rows } = await run(short, {}, [0, 0.2, 0.4]);
  assert.is(results[0]!.temperature, 0);
  assert.is(rows.length, 1);
});

test('a bad result is tried again, the last is kept whatever it is; beams at 0, samples above', async () => {
  const { results, rows } = await run(loop, { beamSize: 2, patience: 2, bestOf: 3, sampleLen: 40 }, [0, 0.2, 0.4]);
  assert.is(results[0]!.temperature, 0.4);
  assert.ok(results[0]!.compressionRatio > 2.4);
  assert.equal(rows, [[2], [3], [3]]);
});

test('text that was asked for and is bad: the model ends where it wants to', async () => {
  const at = (tick: number): number => tokenizer.timestampBegin + tick;
  const said = [at(0), 97, at(50), at(50)];
  /** Wants to end after a pair of timestamps; else it says three letters more, or loops. */
  const script =
    (isLoop: boolean): Script =>
    ({ sampled }) => {
      const more = sampled.length - said.length;
      const next = isLoop || more < 3 ? 98 : more === 3 ? at(70) : eot;
      return logitsOf(nVocab, more < 0 ? { [said[sampled.length]!]: 20 } : { [eot]: more === 0 ? 40 : 0, [next]: 20 });
    };
  for (const isLoop of [false, true]) {
    const inference = new ScriptedInference({ nVocab, script: script(isLoop) });
    const audio = await inference.encode(new Float32Array(1));
    const decoder = new FallbackDecoder(inference, tokenizer, { ...defaults, sampleLen: 40 }, [0, 0.2]);
    const [{ text, temperature }] = await decoder.run([{ audio, speechUntil: 60 }]);
    assert.equal([text, temperature], [isLoop ? 'a' : 'abbb', 0]);
    const limits = inference.starts.map(({ groups }) => groups[0]!.noEndBefore);
    assert.equal(limits, isLoop ? [at(60), 0] : [at(60)]);
  }
});

test('windows that fail go on together, the others keep their results', async () => {
  const { results, rows } = await run(second, { bestOf: 2, sampleLen: 40 }, [0, 0.2], 3);
  assert.equal(
    results.map(({ temperature, text }) => [temperature, text.length]),
    [
      [0, 3],
      [0.2, 40],
      [0, 3],
    ],
  );
  assert.equal(rows, [[1, 1, 1], [2]]);
});

test.run();
