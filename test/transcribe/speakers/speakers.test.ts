/** Channels that are speakers, on a model that reads digits: who said what and when, and that nobody says what another did. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LogMel } from '../../../src/audio/features/logMel.ts';
import { AudioError, NumericError, OptionsError } from '../../../src/base/errors.ts';
import type { Progress } from '../../../src/base/progress.ts';
import { SharedInference } from '../../../src/decode/pool/sharedInference.ts';
import { resolveTranscribeOptions, type TranscribeOptions } from '../../../src/transcribe/options.ts';
import { speakerLanguages } from '../../../src/transcribe/speakers/languages.ts';
import { speakerNames, transcribeSpeakers } from '../../../src/transcribe/speakers/speakers.ts';
import { collectTranscript } from '../../../src/transcribe/transcribe.ts';
import type { Transcript } from '../../../src/transcribe/transcript.ts';
import { digitReader, digitRecording, layDigits, type ReaderOptions, type SpokenDigit } from '../../support/digits.ts';
import { logitsOf, type Script, ScriptedInference } from '../../support/scriptedInference.ts';
import { throws } from '../../support/throws.ts';
import { tinyTokenizer, smallTokenizer as tokenizer } from '../../support/tokenizer.ts';

const test = suite('speakers');

const english: TranscribeOptions = {
  language: 'en',
  temperature: 0,
  suppressTokens: [0],
  compressionRatioThreshold: null,
};

interface Turn {
  readonly channel: number;
  readonly digits: readonly number[];
  /** Seconds of silence before it. */
  readonly gap: number;
}

/** Turns one after the other. */
function call(turns: readonly Turn[], nChannels = 2): { readonly channels: SpokenDigit[][]; readonly nFrames: number } {
  const channels: SpokenDigit[][] = Array.from({ length: nChannels }, () => []);
  let at = 0;
  for (const { channel, digits, gap } of turns) {
    const said = layDigits(digits, (i) => (i === 0 ? at + 100 * gap : 6));
    channels[channel]?.push(...said);
    at = said.at(-1)?.end ?? at;
  }
  return { channels, nFrames: at + 200 };
}

/** What is heard of the others in a channel, softer by `decibels`. */
function withCrosstalk(mels: readonly LogMel[], decibels: number): LogMel[] {
  const softer = decibels / 40;
  return mels.map((mel, c) => {
    const window: LogMel['window'] = async (seek, size) => {
      const own = await mel.window(seek, size);
      for (const [o, other] of mels.entries()) {
        if (o === c) continue;
        const heard = await other.window(seek, size);
        for (let i = 0; i < own.length; i++) own[i] = Math.max(own[i]!, heard[i]! - softer);
      }
      return own;
    };
    return { ...mel, window, detectionWindow: () => window(0, Math.min(3000, mel.nFrames)) };
  });
}

async function read(mels: readonly LogMel[], options: TranscribeOptions = {}, reader: ReaderOptions = {}) {
  const engine = digitReader({ perSegment: 3, ...reader });
  const shared = new SharedInference(engine, 8);
  const inference = (options.batchSize ?? 1) > 1 ? engine : shared;
  const unlock = await shared.admission.lock(undefined, mels.length);
  const speakers = mels.map((mel, i) => ({ mel, name: `S${i}` }));
  let decoded = 0;
  try {
    const segments = transcribeSpeakers(
      { inference, tokenizer },
      speakers,
      { ...english, channels: 'speakers', ...options },
      {
        atOnce: mels.length,
        onDecoded: () => {
          decoded++;
        },
      },
    );
    return { ...(await collectTranscript(segments)), windows: engine.mels.length };
  } finally {
    assert.is(decoded, 1);
    unlock();
  }
}

const saidBy = ({ segments }: Transcript, speaker: string): string =>
  segments.flatMap((segment) => (segment.speaker === speaker ? [segment.text] : [])).join('');
const textOf = (digits: readonly SpokenDigit[]): string => digits.map(({ digit }) => ` ${digit}`).join('');

const dialogue = call([
  { channel: 0, digits: [1, 2, 3], gap: 1 },
  { channel: 1, digits: [4, 5], gap: 0.3 },
  { channel: 0, digits: [6], gap: 3 },
  { channel: 1, digits: [7, 8, 9, 0], gap: 0.3 },
  { channel: 0, digits: [1, 3, 5, 7, 9], gap: 0.3 },
  { channel: 1, digits: [2], gap: 40 },
  { channel: 0, digits: [4, 6], gap: 0.5 },
]);
const dialogueMels = (): LogMel[] => dialogue.channels.map((digits) => digitRecording(digits, dialogue.nFrames));

for (const [name, decibels] of [
  ['apart', undefined],
  ['with crosstalk of -20 dB', 20],
  ['with crosstalk of -10 dB', 10],
] as const)
  for (const batchSize of [1, 3])
    test(`a call ${name}, batches of ${batchSize}: every word has its speaker and its place`, async () => {
      const mels = decibels === undefined ? dialogueMels() : withCrosstalk(dialogueMels(), decibels);
      const transcript = await read(mels, { wordTimestamps: true, batchSize });
      const { segments } = transcript;
      for (const [c, digits] of dialogue.channels.entries()) {
        assert.is(saidBy(transcript, `S${c}`), textOf(digits));
        const words = segments.flatMap((segment) => (segment.speaker === `S${c}` ? (segment.words ?? []) : []));
        for (const [i, word] of words.entries()) {
          assert.is(word.speaker, `S${c}`);
          const { start, end } = digits[i]!;
          // A word before a pause is given a part of it.
          assert.ok(word.start < end / 100 && word.end > start / 100, `${JSON.stringify(word)} at ${start / 100}`);
          assert.ok(word.end < end / 100 + 0.5, `${JSON.stringify(word)} until ${end / 100}`);
        }
      }
      assert.equal(
        segments.map(({ id }) => id),
        [...segments.keys()],
      );
      for (const [i, { start }] of segments.entries()) assert.ok(start >= (segments[i - 1]?.start ?? 0));
      assert.is(transcript.text, segments.map(({ text }) => text).join(''));
      assert.is(transcript.duration, dialogue.nFrames / 100);
    });

test('turns of one speaker are segments of their own, with their tokens, words asked for or not', async () => {
  for (const wordTimestamps of [true, false]) {
    const { segments } = await read(dialogueMels(), { wordTimestamps }, { perSegment: 20 });
    assert.equal(
      segments.map(({ speaker, text }) => `${speaker}${text}`),
      ['S0 1 2 3', 'S1 4 5', 'S0 6', 'S1 7 8 9 0', 'S0 1 3 5 7 9', 'S1 2', 'S0 4 6'],
    );
    for (const segment of segments) {
      const text = segment.tokens.filter((token) => token < tokenizer.eot);
      assert.is(tokenizer.decode(text), segment.text);
      assert.is(segment.tokenLogprobs.length, segment.tokens.length);
      assert.is(segment.words?.length, wordTimestamps ? segment.text.length / 2 : undefined);
      assert.ok(segment.end - segment.start < 4, `${segment.start} to ${segment.end}`);
    }
  }
});

test('who talks at the same time keeps all words', async () => {
  const digits = [layDigits([1, 2, 3, 4], () => 50), layDigits([5, 6, 7], () => 60)];
  const transcript = await read(digits.map((own) => digitRecording(own, 600)));
  for (const [c, own] of digits.entries()) assert.is(saidBy(transcript, `S${c}`), textOf(own));
});

test('a channel without a voice says nothing, also where the other is heard in it', async () => {
  const said = layDigits([1, 2, 3], () => 50);
  const mels = [digitRecording(said, 700), digitRecording([], 700)];
  for (const own of [mels, withCrosstalk(mels, 20), [...mels].reverse()]) {
    const { segments, text } = await read(own);
    assert.is(text, textOf(said));
    assert.is(new Set(segments.map(({ speaker }) => speaker)).size, 1);
  }
  const nothing = await read([digitRecording([], 700), digitRecording([], 700)]);
  assert.equal([nothing.segments, nothing.text, nothing.windows, nothing.duration], [[], '', 0, 7]);
});

test('what is heard of the other in a pause of somebody is not theirs', async () => {
  const mine = layDigits([4, 5], () => 96);
  const [first] = mine;
  assert.ok(first);
  const other = [{ digit: 9, start: first.end + 33, end: first.end + 63 }];
  const mels = [digitRecording(mine, 600), digitRecording(other, 600)];
  const transcript = await read(withCrosstalk(mels, 20));
  assert.is(saidBy(transcript, 'S0'), ' 4 5');
  assert.is(saidBy(transcript, 'S1'), ' 9');
});

test('each has a language of their own, unless it is uncertain', async () => {
  const token = (code: string): number => tinyTokenizer.languageToken(code);
  for (const [others, wanted] of [
    [['de'], 'de'],
    [['de', 'fr', 'nl'], 'en'],
  ] as const) {
    // Who says most is looked at first.
    const script: Script = ({ window }) =>
      logitsOf(
        tinyTokenizer.nVocab,
        Object.fromEntries((window === 0 ? ['en'] : others).map((code) => [token(code), 20])),
      );
    const inference = new ScriptedInference({ nVocab: tinyTokenizer.nVocab, script });
    const [short, long] = [digitRecording([], 300), digitRecording([], 400)];
    const model = { inference, tokenizer: tinyTokenizer };
    const { main, each } = await speakerLanguages(model, [{ mel: short }, { mel: long }], resolveTranscribeOptions({}));
    assert.is(main.language, 'en');
    assert.equal(
      each.map(({ language }) => language),
      [wanted, 'en'],
    );
    assert.is(inference.open, 0);
  }
});

test('three speakers', async () => {
  const { channels, nFrames } = call(
    [0, 1, 2, 0].map((channel, i) => ({ channel, digits: [i, i + 1], gap: 0.5 })),
    3,
  );
  const transcript = await read(
    withCrosstalk(
      channels.map((digits) => digitRecording(digits, nFrames)),
      25,
    ),
    {},
    { perSegment: 20 },
  );
  assert.equal(
    transcript.segments.map(({ speaker, text }) => `${speaker}${text}`),
    ['S0 0 1', 'S1 1 2', 'S2 2 3', 'S0 3 4'],
  );
});

test('one sound in two channels is no call', async () => {
  const said = layDigits([1, 2, 3], () => 50);
  const [mel, softer] = [digitRecording(said, 700), digitRecording(said, 700)];
  await throws(AudioError, 'channels', async () => {
    for await (const _ of transcribeSpeakers(
      { inference: digitReader(), tokenizer },
      [mel, softer].map((own) => ({ mel: own, name: 'x' })),
      english,
      { atOnce: 2 },
    ));
  });
});

test('names: by side, by number, as given; not for one channel', async () => {
  assert.equal(speakerNames(2, undefined), ['Left', 'Right']);
  assert.equal(speakerNames(3, undefined), ['Channel 1', 'Channel 2', 'Channel 3']);
  assert.equal(speakerNames(2, ['Ada', 'Bo']), ['Ada', 'Bo']);
  await throws(OptionsError, 'contradiction', () => speakerNames(2, ['Ada']));
  await throws(AudioError, 'channels', () => speakerNames(1, undefined));
});

test('parts of the recording, and progress to its end', async () => {
  const told: Progress[] = [];
  const { text } = await read(dialogueMels(), {
    clipTimestamps: [0, 3.5],
    onProgress: (progress) => told.push(progress),
  });
  assert.is(text, ' 1 2 3 4 5');
  const duration = dialogue.nFrames / 100;
  assert.is(told.at(-1)?.done, duration);
  for (const [i, { done, reached = done, total }] of told.entries()) {
    assert.is(total, duration);
    assert.ok(done <= reached && reached <= total && done >= (told[i - 1]?.done ?? 0), `${done} ${reached}`);
  }
});

test('an error of one channel is that of the call, and stops the other', async () => {
  let calls = 0;
  const error = await read(
    dialogueMels(),
    {},
    {
      onStep: () => {
        if (++calls === 12) throw new NumericError('nonFinite', 'The model gave NaN.');
      },
    },
  ).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, NumericError);
});

test('an abort at any step ends it, and leaves nothing open', async () => {
  for (let stop = 1; ; stop += 3) {
    const controller = new AbortController();
    let steps = 0;
    const engine = digitReader({
      perSegment: 3,
      onStep: () => {
        if (++steps === stop) controller.abort(new Error(`step ${stop}`));
      },
    });
    const { signal } = controller;
    const speakers = dialogueMels().map((mel, i) => ({ mel, name: `S${i}` }));
    const inference = new SharedInference(engine, 2);
    const unlock = await inference.admission.lock(undefined, 2);
    const work = collectTranscript(
      transcribeSpeakers({ inference, tokenizer }, speakers, { ...english, signal }, { atOnce: 2 }),
    );
    const reason = await work.then(
      () => undefined,
      (error: unknown) => error,
    );
    unlock();
    if (reason === undefined) {
      assert.ok(stop > 30, `${steps} steps`);
      return;
    }
    assert.is(reason, signal.reason, `step ${stop}`);
  }
});

test('who leaves the loop stops the work', async () => {
  const engine = digitReader({ perSegment: 3 });
  const speakers = dialogueMels().map((mel, i) => ({ mel, name: `S${i}` }));
  for await (const { text } of transcribeSpeakers({ inference: engine, tokenizer }, speakers, english, { atOnce: 1 })) {
    assert.is(text, ' 1 2 3');
    break;
  }
  assert.is(engine.open, 0);
});

test.run();
