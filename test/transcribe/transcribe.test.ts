import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ErrorCode } from '../../src/base/codes.ts';
import { OptionsError } from '../../src/base/errors.ts';
import type { Progress } from '../../src/base/progress.ts';
import type { TranscribeOptions } from '../../src/transcribe/options.ts';
import { transcribe, transcribeSegments } from '../../src/transcribe/transcribe.ts';
import type { Segment } from '../../src/transcribe/transcript.ts';
import { placesMel } from '../support/mel.ts';
import { logitsOf, playTokens, type Script, ScriptedInference } from '../support/scriptedInference.ts';
import { reasonOf, throws } from '../support/throws.ts';
import { englishTokenizer, smallTokenizer, tinyTokenizer as tokenizer, ts } from '../support/tokenizer.ts';

const test = suite('transcribe');

const { nVocab, eot, sot, sotPrev, noTimestamps, noSpeech } = tokenizer;
const ask = [sot, tokenizer.languageToken('en'), tokenizer.transcribe];

const recording = (seconds: number) => placesMel(100 * seconds);

async function play(script: Script, seconds: number, options: TranscribeOptions = {}) {
  const inference = new ScriptedInference({ nVocab, script });
  const transcript = await transcribe({ inference, tokenizer }, recording(seconds), {
    language: 'en',
    temperature: 0,
    ...options,
  });
  assert.is(inference.open, 0, 'everything is closed');
  return {
    transcript,
    windows: inference.mels.map((mel) => [...mel]),
    prompts: inference.starts.map(({ groups }) => [...groups[0]!.initialTokens]),
  };
}
const say = (...windows: number[][]): Script => playTokens(nVocab, eot, windows);
const times = (segments: readonly Segment[]) => segments.map(({ start, end }) => [start, end]);

test('windows follow one another where the text ends', async () => {
  const { transcript, windows } = await play(
    say([ts(0), 400, ts(10), ts(10), 370, ts(25), ts(25)], [ts(0), 452, ts(30)], [ts(0), 400, ts(4)]),
    60,
  );
  assert.equal(windows, [
    [0, 3000],
    [2500, 3000],
    [5500, 500],
  ]);
  assert.equal(times(transcript.segments), [
    [0, 10],
    [10, 25],
    [25, 55],
    [55, 59],
  ]);
  assert.equal(
    transcript.segments.map(({ id, seek }) => [id, seek]),
    [
      [0, 0],
      [1, 0],
      [2, 2500],
      [3, 5500],
    ],
  );
  assert.is(transcript.text, ' And so my And');
  assert.is(transcript.language, 'en');
});

test('the text before is the prompt, timestamps included', async () => {
  const first = [ts(0), 400, ts(10), ts(10), 370, ts(25), ts(25)];
  const { prompts } = await play(say(first, [ts(0), 452, ts(30)]), 40);
  assert.equal(prompts[0], ask);
  assert.equal(
    prompts[1],
    [sotPrev, ts(0), 400, ts(10), ts(10), 370, ts(25), ...ask],
    'what is decoded again is not in it',
  );
});

test('without conditioning only the first window sees the initial prompt', async () => {
  const window = [ts(0), 400, ts(30)];
  const { prompts, transcript } = await play(say(window, window), 60, {
    conditionOnPreviousText: false,
    initialPrompt: ' And so ',
  });
  assert.equal(prompts, [[sotPrev, 400, 370, ...ask], ask]);
  assert.is(transcript.text, ' And And', 'the initial prompt is not part of the text');
});

test('a carried prompt stands before every window, what was said is cut to the room left', async () => {
  const initial = Array.from({ length: 100 }, (_, i) => ` a${'b'.repeat(i % 3)}`).join('');
  const promptTokens = tokenizer.encode(initial);
  const long = [ts(0), ...Array.from({ length: 150 }, (_, i) => 600 + i), ts(30)];
  const { prompts } = await play(say(long, long, long), 90, { initialPrompt: initial, carryInitialPrompt: true });
  const said = [...long, ...long];
  assert.equal(prompts[0], [sotPrev, ...promptTokens, ...ask]);
  assert.equal(prompts[2], [sotPrev, ...promptTokens, ...said.slice(-(223 - promptTokens.length)), ...ask]);
  assert.is(prompts[2]!.length, 227);
});

test('a carried prompt that fills all the room leaves none, and is cut from the front', async () => {
  const initial = Array.from({ length: 230 }, (_, i) => (i % 2 ? ' so' : ' And')).join('');
  const { prompts } = await play(say([ts(0), 452, ts(30)], [ts(0), 452, ts(30)]), 60, {
    initialPrompt: initial,
    carryInitialPrompt: true,
  });
  const cut = tokenizer.encode(initial).slice(-223);
  assert.equal(prompts, [
    [sotPrev, ...cut, ...ask],
    [sotPrev, ...cut, ...ask],
  ]);
});

test('a result from a temperature above 0.5 is not shown to the next window', async () => {
  const window = [ts(0), 400, ts(30)];
  for (const [temperature, shown] of [
    [0.5, true],
    [0.6, false],
  ] as const) {
    const { prompts, transcript } = await play(say(window, window), 60, { temperature: [temperature] });
    assert.equal(prompts[1], shown ? [sotPrev, ...window, ...ask] : ask, String(temperature));
    assert.is(transcript.segments[0]!.temperature, temperature);
  }
});

test('silence is passed over: nothing recorded, the prompt stays', async () => {
  // Low probability of the text and high of no speech in the second window.
  const script: Script = (context) => {
    const spoken = context.window !== 1;
    if (context.history.at(-1) === sot) return logitsOf(nVocab, { [noSpeech!]: spoken ? -20 : 20, 400: 0 });
    if (spoken) return say([ts(0), 400, ts(30)], [], [ts(0), 370, ts(20)])(context);
    return logitsOf(nVocab, { [context.sampled.length === 0 ? ts(0) : eot]: 20 }, 18);
  };
  const kept = async (options: TranscribeOptions) => {
    const { transcript, prompts } = await play(script, 80, options);
    return { seeks: transcript.segments.map(({ seek }) => seek), last: prompts.at(-1) };
  };
  assert.equal(await kept({}), { seeks: [0, 6000], last: [sotPrev, ts(0), 400, ts(30), ...ask] });
  assert.equal((await kept({ noSpeechThreshold: null })).seeks, [0, 3000, 6000], 'not tested');
  assert.equal((await kept({ logprobThreshold: -100 })).seeks, [0, 3000, 6000], 'sure enough of its text');
  assert.equal((await kept({ logprobThreshold: null })).seeks, [0, 6000], 'no-speech alone decides');
  assert.equal((await kept({ noSpeechThreshold: 1 })).seeks, [0, 3000, 6000], 'strictly above');
});

test('a segment without text stays, empty', async () => {
  const windows = [
    [ts(1), 220, ts(30)],
    [ts(0), 220, 400, ts(30)],
    [ts(0), 400, ts(5)],
  ];
  const { transcript, prompts } = await play(say(...windows), 65);
  assert.equal(
    transcript.segments.map(({ id, text, tokens, words }) => [id, text, [...tokens], words]),
    [
      [0, '', [], []],
      [1, '  And', [ts(0), 220, 400, ts(30)], undefined],
      [2, ' And', [ts(0), 400, ts(5)], undefined],
    ],
  );
  assert.equal(prompts[1], ask, 'its tokens are not shown');
});

test('only the clips, in their order, ends cut to the recording', async () => {
  const window = [ts(0), 400];
  const { windows, transcript } = await play(say(window, window, window, window), 50, {
    clipTimestamps: '40,100,2,3.5,5,36',
  });
  assert.equal(windows, [
    [4000, 1000],
    [200, 150],
    [500, 3000],
    [3500, 100],
  ]);
  assert.equal(times(transcript.segments), [
    [40, 50],
    [2, 3.5],
    [5, 35],
    [35, 36],
  ]);
});

test('clips beyond the recording, empty or turned round, are passed over', async () => {
  const { windows } = await play(say([ts(0), 400]), 10, { clipTimestamps: [20, 30, 5, 5, 8, 4] });
  assert.equal(windows, []);
});

test('a window that ends in 0.00 is not decoded for ever', async () => {
  const { windows } = await play(say([400, ts(0), ts(0), 370], [452]), 40, { withoutTimestamps: true });
  assert.equal(windows, [
    [0, 3000],
    [3000, 1000],
  ]);
});

test('an empty recording gives an empty transcript', async () => {
  const { transcript, windows } = await play(say(), 0);
  assert.equal(transcript, {
    text: '',
    language: 'en',
    detection: undefined,
    task: 'transcribe',
    duration: 0,
    segments: [],
  });
  assert.equal(windows, []);
});

test('the language is detected once, on the first 30 seconds with their silence', async () => {
  const script: Script = ({ history, window, sampled }) =>
    history.length === 1 && window === 0
      ? logitsOf(nVocab, { 50261: 3, 50262: 2 })
      : logitsOf(nVocab, { [[ts(0), 400, ts(30)][sampled.length] ?? eot]: 20 });
  const told: unknown[] = [];
  const { transcript, windows, prompts } = await play(script, 60, {
    language: undefined,
    onLanguage: (language, detection) => told.push(language, detection?.language),
  });
  assert.is(transcript.language, 'de');
  assert.ok(transcript.detection!.probabilities.de! > 0.7);
  assert.equal(windows, [
    [-1, -1],
    [0, 3000],
    [3000, 3000],
  ]);
  assert.equal(
    prompts.map((tokens) => tokens.includes(50261)),
    [false, true, true],
  );
  assert.equal(told, ['de', 'de']);
});

test('a language is given by name; an English-only model warns of another', async () => {
  const { transcript, windows } = await play(say([ts(0), 400]), 5, { language: 'Castilian' });
  assert.is(transcript.language, 'es');
  assert.equal(windows, [[0, 500]]);

  const warnings: string[] = [];
  const inference = new ScriptedInference({ nVocab: 51864, script: playTokens(51864, 50256, [[50363, 400]]) });
  const english = await transcribe({ inference, tokenizer: englishTokenizer }, recording(5), {
    language: 'de',
    temperature: 0,
    onWarning: ({ code }) => warnings.push(code),
  });
  assert.is(english.language, 'en');
  assert.equal(warnings, ['englishOnly']);
});

test('hotwords stand before every window\u2019s prompt, what was said is cut to the room left', async () => {
  const long = [ts(0), ...Array.from({ length: 221 }, (_, i) => 600 + (i % 150)), ts(30)];
  const { prompts } = await play(say(long, long), 60, { hotwords: 'And so', initialPrompt: 'my' });
  assert.equal(prompts[0], [sotPrev, 400, 370, 452, ...ask]);
  assert.equal(prompts[1], [sotPrev, 400, 370, ...long.slice(-221), ...ask]);
  const reset = await play(say(long, long), 60, { hotwords: 'And so', conditionOnPreviousText: false });
  assert.equal(reset.prompts[1], [sotPrev, 400, 370, ...ask]);
});

test('from which temperature on a result is not shown can be told', async () => {
  const window = [ts(0), 400, ts(30)];
  const { prompts } = await play(say(window, window), 60, { temperature: 0.6, promptResetOnTemperature: 0.6 });
  assert.equal(prompts[1], [sotPrev, ...window, ...ask]);
});

test('each window its language', async () => {
  const languages = [50259, 50261, 50262];
  const script: Script = ({ history, window, sampled }) =>
    history.length === 1
      ? logitsOf(nVocab, { [languages[window]!]: 9 })
      : logitsOf(nVocab, { [[ts(0), 400, ts(30)][sampled.length] ?? eot]: 20 });
  const { transcript, prompts } = await play(script, 60, { language: undefined, multilingual: true });
  assert.is(transcript.language, 'en');
  assert.equal(
    transcript.segments.map(({ language }) => language),
    ['de', 'es'],
  );
  assert.equal(
    prompts.filter((tokens) => tokens.length > 1).map((tokens) => tokens.at(-2)),
    [50261, 50262],
  );
});

test('the language is the mean of several windows', async () => {
  const script: Script = ({ history, window, sampled }) =>
    history.length === 1
      ? logitsOf(nVocab, window === 0 ? { 50261: 3, 50262: 2 } : { 50262: 9 })
      : logitsOf(nVocab, { [[ts(0), 400, ts(30)][sampled.length] ?? eot]: 20 });
  const detect = async (languageDetectionSegments: number, seconds: number) => {
    const options = { language: undefined, languageDetectionSegments, clipTimestamps: [0, 1] };
    const { transcript, windows } = await play(script, seconds, options);
    return [transcript.language, ...windows.slice(0, -1).map(([seek]) => seek)];
  };
  assert.equal(await detect(1, 70), ['de', -1]);
  assert.equal(await detect(2, 70), ['es', -1, 3000]);
  assert.equal(await detect(9, 70), ['es', -1, 3000, 6000]);
  assert.equal(await detect(9, 20), ['de', -1]);
});

test('options reach the decoder', async () => {
  const { prompts } = await play(say([400]), 5, {
    withoutTimestamps: true,
    prefix: 'And',
    task: 'translate',
    sampleLen: 3,
  });
  assert.equal(prompts, [[sot, 50259, tokenizer.translate, noTimestamps, 400]]);
});

test('options that are none, or make no sense, are refused', async () => {
  const refused: [object, ErrorCode<'OptionsError'>][] = [
    [{ beamsize: 5 }, 'unknown'],
    [{ prompt: 'a' }, 'unknown'],
    [{ temperature: [] }, 'range'],
    [{ temperature: [0, -1] }, 'range'],
    [{ patience: 2 }, 'contradiction'],
    [{ language: 'xx' }, 'language'],
    [{ language: 'yue' }, 'language'],
    [{ clipTimestamps: 'x' }, 'clipTimestamps'],
    [{ suppressTokens: 'x' }, 'suppressTokens'],
    [{ initialPrompt: '<|endoftext|>' }, 'specialToken'],
    [{ initialPrompt: 3 }, 'type'],
    [{ conditionOnPreviousText: 'yes' }, 'type'],
    [{ hotwords: 'a', prefix: 'b' }, 'contradiction'],
    [{ multilingual: true }, 'contradiction'],
    [{ logprobThreshold: '-1' }, 'type'],
  ];
  for (const [options, code] of refused) {
    await throws(OptionsError, code, () => play(say([ts(0), 400]), 5, options));
  }
  await play(say([ts(0), 400]), 5, { temperature: [0, 0.2], beamSize: 2, bestOf: 2, patience: 2 });
});

test('progress in seconds, segments as they are found', async () => {
  const seen: (number | string)[] = [];
  const onProgress = ({ done, total, unit }: Progress): void => {
    assert.is(total, 40);
    assert.is(unit, 'seconds');
    if (done !== seen.at(-1)) seen.push(done);
  };
  await play(say([ts(0), 400, ts(20), ts(20)], [ts(0), 370, ts(20)]), 40, {
    onProgress,
    onSegment: ({ text }) => seen.push(text),
  });
  assert.equal(seen, [0, ' And', 20, ' so', 40]);
});

test('progress moves within a window: with the encoder, and with the timestamps that are decoded', async () => {
  const windows = [
    [ts(0), 400, ts(15), ts(15), 370, ts(30)],
    [ts(0), 370, ts(10)],
  ];
  for (const options of [{}, { language: undefined }, { beamSize: 2 }, { temperature: 0.5 }]) {
    const told: Progress[] = [];
    const onProgress = (progress: Progress): void => void told.push(progress);
    await play(say(...windows), 40, { ...options, onProgress });
    const reached = told.map((progress) => progress.reached ?? Number.NaN);
    told.forEach(({ done, total }, i) => {
      assert.ok(reached[i]! >= Math.max(done, reached[i - 1] ?? 0) && reached[i]! <= total, `${reached}`);
    });
    assert.is(reached.at(-1), 40);
    // Half of the first window when it is encoded; 15 s decoded are half of the rest. Where the language is looked for,
    // that is a third of it, and plays the first text.
    for (const wanted of 'language' in options ? [10, 20, 23.333] : [15, 22.5]) {
      assert.ok(
        reached.some((seconds) => Math.abs(seconds - wanted) < 0.01),
        `${wanted}: ${reached}`,
      );
    }
  }
});

test('progress does not go back where a window ends early, or is decoded again', async () => {
  for (const windows of [
    [
      [ts(0), 400, ts(5), ts(5)],
      [ts(0), 370, ts(30)],
      [ts(0), 400, ts(5)],
    ],
    [
      [ts(0), 400, ts(25), ts(25), ...Array<number>(80).fill(400)],
      [ts(0), 400, ts(10)],
    ],
  ]) {
    const reached: number[] = [];
    const onProgress = (progress: Progress): void => void reached.push(progress.reached ?? Number.NaN);
    await play(say(...windows), 40, { temperature: [0, 0.2], onProgress });
    for (const [i, seconds] of reached.entries()) assert.ok(seconds >= (reached[i - 1] ?? 0), `${reached}`);
  }
});

test('leaving the loop stops the work and closes what is open', async () => {
  const inference = new ScriptedInference({ nVocab, script: say([ts(0), 400, ts(30)], [ts(0), 400, ts(30)]) });
  for await (const segment of transcribeSegments({ inference, tokenizer }, recording(60), { language: 'en' })) {
    assert.is(segment.id, 0);
    break;
  }
  assert.is(inference.mels.length, 1);
  assert.is(inference.open, 0);
});

test('an abort at any step ends with its reason, keeps what was found, leaves nothing open', async () => {
  const at = (seconds: number): number => ts(seconds, smallTokenizer);
  const windows = [
    [at(0), 97, at(10), at(10)],
    [at(0), 98, at(30)],
    [at(0), 99, at(20)],
  ];
  let steps = 0;
  const run = async (stopAt: number) => {
    const abort = new AbortController();
    const reason = new Error('stopped');
    const segments: Segment[] = [];
    steps = 0;
    const inference = new ScriptedInference({
      nVocab: smallTokenizer.nVocab,
      script: playTokens(smallTokenizer.nVocab, smallTokenizer.eot, windows),
      onStep: () => {
        if (++steps === stopAt) abort.abort(reason);
      },
    });
    const options = {
      language: 'en',
      temperature: 0,
      signal: abort.signal,
      onSegment: (segment: Segment) => segments.push(segment),
    };
    const error = await transcribe({ inference, tokenizer: smallTokenizer }, recording(60), options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error === undefined || error === reason, String(error));
    assert.is(inference.open, 0, `step ${stopAt}`);
    return { segments, error };
  };
  const whole = await run(Number.POSITIVE_INFINITY);
  assert.is(whole.error, undefined);
  const total = steps;
  assert.ok(total > 10);
  for (let stopAt = 1; stopAt <= total; stopAt++) {
    const { segments, error } = await run(stopAt);
    assert.ok(error, `step ${stopAt}`);
    assert.equal(segments, whole.segments.slice(0, segments.length));
  }
  const aborted = AbortSignal.abort(new Error('before'));
  assert.is(await reasonOf(play(say(), 5, { signal: aborted })), aborted.reason);
});

test.run();
