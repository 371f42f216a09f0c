/** Looking inside a window, on a scripted engine: which window, rules by name, probabilities, beams, heads. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { inspect } from '../../src/inspect/inspect.ts';
import type { InspectedAttempt, Inspection } from '../../src/inspect/inspection.ts';
import type { InspectOptions } from '../../src/inspect/options.ts';
import type { RuleName } from '../../src/rules/strikes.ts';
import { transcribe } from '../../src/transcribe/transcribe.ts';
import { placesMel } from '../support/mel.ts';
import { logitsOf, playTokens, type Script, ScriptedInference } from '../support/scriptedInference.ts';
import { throws } from '../support/throws.ts';
import { tinyTokenizer as tokenizer, ts } from '../support/tokenizer.ts';

const test = suite('inspect');
const { nVocab, eot } = tokenizer;
const [and, so, my] = [400, 370, 452];

/** Head h attends, for every token, to the column that its row and h name. */
function align({ tokens, columns }: { readonly tokens: readonly number[]; readonly columns: number }) {
  const head = (h: number): Float32Array => {
    const scores = new Float32Array(tokens.length * columns);
    for (let row = 0; row < tokens.length; row++) {
      const first = Math.min(columns - 1, row * 100 + h);
      scores.fill(8, row * columns + first, Math.min((row + 1) * columns, row * columns + first + 80));
    }
    return scores;
  };
  return { heads: [head(0), head(5)], probs: new Float32Array(tokens.length - 1).fill(0.5) };
}

async function look(script: Script, seconds: number, options: InspectOptions = {}): Promise<Inspection> {
  const inference = new ScriptedInference({ nVocab, script, align });
  const given = { language: 'en', temperature: [0], ...options };
  const found = await inspect({ inference, tokenizer }, placesMel(100 * seconds), given, {
    nTextLayer: 1,
    nTextHead: 2,
  });
  assert.is(inference.open, 0, 'everything is closed');
  return found;
}

const windows: number[][] = [
  [ts(0), and, ts(10), ts(10), so, ts(25), ts(25)],
  [ts(0), my, ts(30)],
  [ts(0), and, so, ts(4)],
];
/** Which of them begins at a frame. */
const windowAt = (seek: number): number => (seek === 0 ? 0 : seek < 3000 ? 1 : 2);
/** The three windows, by the place that the log-mel says, since one is decoded again. */
const script: Script = (context) => playTokens(nVocab, eot, windows)({ ...context, window: windowAt(context.mel[0]!) });
const say = (tokens: number[]): Script => {
  const play = playTokens(nVocab, eot, [tokens]);
  return (context) => play({ ...context, window: 0 });
};

function checkSums({ steps }: InspectedAttempt): void {
  for (const { candidates, rest, struck, token, logprob } of steps) {
    const allowed = candidates.reduce((sum, { probability }) => sum + probability, rest.probability);
    assert.ok(Math.abs(allowed - 1) < 1e-6, `probabilities after the rules sum to ${allowed}`);
    const nStruck = struck.reduce((sum, { count }) => sum + count, 0);
    assert.is(nStruck + rest.count + candidates.filter(({ rule }) => !rule).length, nVocab);
    const chosen = candidates.filter(({ isChosen }) => isChosen);
    assert.is(chosen.length, 1);
    assert.is(chosen[0]!.token, token);
    assert.ok(Math.abs(Math.exp(logprob) - chosen[0]!.probability) < 1e-9);
    for (const { rule, probability } of candidates) assert.is(rule === undefined, probability > 0);
  }
}

test('the window asked for, by number and by second, with the segments of a transcription', async () => {
  const model = { inference: new ScriptedInference({ nVocab, script, align }), tokenizer };
  const { segments } = await transcribe(model, placesMel(6000), {
    language: 'en',
    temperature: [0],
    wordTimestamps: true,
  });
  const seeks = [...new Set(segments.map(({ seek }) => seek))];
  assert.ok(seeks.length > 1);
  for (const [i, seek] of seeks.entries()) {
    const found = await look(script, 60, { window: i });
    assert.is(found.window.index, i);
    assert.is(found.window.start, seek / 100);
    assert.equal(
      found.segments,
      segments.filter((segment) => segment.seek === seek),
    );
    assert.equal(
      found.attempts
        .at(-1)!
        .steps.map(({ token }) => token)
        .filter((token) => token !== eot),
      windows[windowAt(seek)],
    );
    assert.is((await look(script, 60, { at: found.window.next - 0.01 })).window.index, i);
    assert.is(found.mel.rows, 1);
    assert.is(found.mel.values.length, found.mel.columns);
  }
});

test('probabilities sum to 1, and struck candidates name their rule', async () => {
  const found = await look(say(windows[0]!), 30);
  const { steps } = found.attempts[0]!;
  assert.equal(
    steps.map(({ token }) => token),
    [...windows[0]!, eot],
  );
  checkSums(found.attempts[0]!);
  const ruleOf = (step: number, id: number): RuleName | undefined =>
    steps[step]!.candidates.find(({ token }) => token === id)?.rule;
  assert.is(ruleOf(0, eot), 'suppressBlank');
  assert.is(ruleOf(1, eot), undefined);
  assert.is(steps[3]!.struck.find(({ rule }) => rule === 'timestampPair')?.count !== undefined, true);
  assert.is(steps[0]!.struck.find(({ rule }) => rule === 'maxInitialTimestamp')?.count, 1500 - 50);
});

test('a token that is likelier for the model and struck is the first candidate', async () => {
  const play = say(windows[0]!);
  const tempted: Script = (context) => {
    const logits = play(context);
    if (context.sampled.length === 1) logits[50257 - 1] = 100;
    return logits;
  };
  const { attempts } = await look(tempted, 30, { suppressTokens: [50256], candidates: 1 });
  const [first, ...others] = attempts[0]!.steps[1]!.candidates;
  assert.is(first!.token, 50256);
  assert.is(first!.rule, 'suppressTokens');
  assert.ok(first!.modelProbability > 0.99);
  assert.ok(others.some(({ token, isChosen }) => token === and && isChosen));
  checkSums(attempts[0]!);
});

test('a filter that forbids is told apart from the rules', async () => {
  const { attempts } = await look(say(windows[0]!), 30, {
    logitFilter: (logits) => {
      logits[500] = Number.NEGATIVE_INFINITY;
    },
  });
  for (const { struck } of attempts[0]!.steps) assert.is(struck.find(({ rule }) => rule === 'filter')?.count, 1);
});

test('beams are a tree whose chosen way is the result', async () => {
  // After "And", the model wavers between two texts.
  const wavering: Script = ({ sampled }) => {
    const next: Record<string, Record<number, number>> = {
      '': { [ts(0)]: 20 },
      [`${ts(0)}`]: { [and]: 20, [so]: 19.5 },
      [`${ts(0)} ${and}`]: { [my]: 18, [so]: 18, [ts(3)]: 17.9 },
      [`${ts(0)} ${so}`]: { [my]: 20 },
      [`${ts(0)} ${so} ${my}`]: { [ts(4)]: 20 },
    };
    const end = sampled.at(-1)! >= ts(0) && sampled.length > 1 ? { [eot]: 20 } : { [ts(5)]: 20 };
    return logitsOf(nVocab, next[sampled.join(' ')] ?? end);
  };
  const options = { beamSize: 3, language: 'en', temperature: [0] };
  const inference = new ScriptedInference({ nVocab, script: wavering, align });
  const expected = await transcribe({ inference, tokenizer }, placesMel(3000), options);
  const { attempts } = await look(wavering, 30, options);
  const { beams, steps } = attempts[0]!;
  assert.ok(beams);
  assert.is(beams.beamSize, 3);
  const chosen = beams.nodes.filter(({ isChosen }) => isChosen);
  assert.equal(
    chosen.map(({ token }) => token),
    steps.map(({ token }) => token),
  );
  assert.equal(
    chosen.map(({ token }) => token).filter((token) => token !== eot),
    expected.segments.flatMap(({ tokens }) => tokens),
  );
  assert.is(chosen.at(-1)!.fate, 'finished');
  for (const [i, { parent, step, score, logprob }] of beams.nodes.entries()) {
    if (parent === null) {
      assert.is(step, 0);
      continue;
    }
    assert.ok(parent < i);
    assert.is(beams.nodes[parent]!.step, step - 1);
    assert.is(beams.nodes[parent]!.fate, 'kept');
    assert.is(score, Math.fround(beams.nodes[parent]!.score + logprob));
  }
  const widths = new Map<number, number>();
  for (const { step, fate } of beams.nodes) if (fate === 'kept') widths.set(step, (widths.get(step) ?? 0) + 1);
  assert.ok([...widths.values()].every((width) => width <= 3));
  checkSums(attempts[0]!);
});

test('every temperature that is tried is there; the last one has the text', async () => {
  // Improbable at first, so that it falls back.
  const unsure: Script = (context) => {
    const logits = say(windows[2]!)(context);
    return logits.map((value) => value * 0.1);
  };
  const { attempts, segments } = await look(unsure, 30, { temperature: [0, 0.2, 0.4], candidates: 2 });
  assert.equal(
    attempts.map(({ temperature }) => temperature),
    [0, 0.2, 0.4],
  );
  for (const attempt of attempts) checkSums(attempt);
  if (segments.length > 0) assert.is(segments[0]!.temperature, 0.4);
});

test('the path is through the mean of the filtered heads, and gives the words their times', async () => {
  const { alignment, segments } = await look(say(windows[2]!), 30);
  assert.ok(alignment);
  const { tokens, firstRow, path, words, heads, mean } = alignment;
  assert.equal(
    tokens.map(({ text }) => text),
    ['<|startoftranscript|>', '<|en|>', '<|transcribe|>', '<|notimestamps|>', ' And', ' so', '<|endoftext|>'],
  );
  assert.is(firstRow, 3);
  assert.is(path.length, 3);
  assert.equal(
    words.map(({ word, row, start, end }) => [word, row, start, end]),
    [
      [' And', 0, path[0]! / 50, path[1]! / 50],
      [' so', 1, path[1]! / 50, path[2]! / 50],
    ],
  );
  assert.equal(
    segments.flatMap(({ words: timed = [] }) => timed.map(({ word }) => word)),
    [' And', ' so'],
  );
  assert.equal(
    heads.map(({ layer, head }) => [layer, head]),
    [
      [0, 0],
      [0, 1],
    ],
  );
  for (const { probabilities, filtered } of heads) {
    assert.equal([probabilities.rows, probabilities.columns], [tokens.length, 1500]);
    for (let row = 0; row < tokens.length; row++) {
      const sum = probabilities.values.subarray(1500 * row, 1500 * (row + 1)).reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(sum - 1) < 1e-4);
    }
    assert.is(filtered.values.length, probabilities.values.length);
  }
  assert.equal([mean.rows, mean.columns], [3, 1500]);
  for (let i = 0; i < mean.values.length; i++) {
    const at = firstRow * 1500 + i;
    const wanted = (heads[0]!.filtered.values[at]! + heads[1]!.filtered.values[at]!) / 2;
    assert.ok(Math.abs(mean.values[i]! - wanted) < 1e-5);
  }
});

test('a window without text has no alignment', async () => {
  const { alignment, segments, attempts } = await look(say([ts(0)]), 30);
  assert.is(alignment, undefined);
  assert.equal(segments.flatMap(({ text }) => text.trim()).join(''), '');
  assert.ok(attempts.length > 0);
});

test('what is not there is refused', async () => {
  const rows: [InspectOptions & Record<string, unknown>, OptionsError['code'], string][] = [
    [{ window: 3 }, 'range', 'There is no window 3'],
    [{ window: -1 }, 'range', 'window'],
    [{ window: 0.5 }, 'range', 'window'],
    [{ at: 60 }, 'range', 'There is no second 60: the recording is 60 s long.'],
    [{ at: 5, clipTimestamps: '10,20' }, 'range', 'No window has second 5'],
    [{ window: 0, at: 1 }, 'contradiction', 'window and at'],
    [{ head: 1 }, 'contradiction', 'head needs layer'],
    [{ layer: 1 }, 'range', 'The decoder has no layer 1.'],
    [{ layer: 0, head: 2 }, 'range', 'The decoder has no head 2 in layer 0.'],
    [{ layer: 0, heads: 'all' }, 'contradiction', 'heads and layer'],
    [{ batchSize: 2 }, 'unknown', 'There is no option batchSize of inspect.'],
    [{ vad: true }, 'unknown', 'There is no option vad of inspect.'],
    [{ candidates: 0 }, 'range', 'candidates'],
    [{ windw: 1 }, 'unknown', 'There is no option windw.'],
  ];
  for (const [options, code, message] of rows) {
    await throws(OptionsError, code, () => look(script, 60, options), message);
  }
});

test.run();
