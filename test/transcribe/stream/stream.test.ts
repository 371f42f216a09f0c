/** Streams of a speaker whose words and times are known: nothing is revised, lost, doubled or held back for ever. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ErrorCode } from '../../../src/base/codes.ts';
import { OptionsError } from '../../../src/base/errors.ts';
import { yieldToEventLoop } from '../../../src/base/yieldToEventLoop.ts';
import { SampleFeed } from '../../../src/transcribe/stream/sampleFeed.ts';
import { type StreamUpdate, transcribeStream } from '../../../src/transcribe/stream/stream.ts';
import type { StreamOptions } from '../../../src/transcribe/stream/streamOptions.ts';
import type { Segment } from '../../../src/transcribe/transcript.ts';
import {
  CountedMel,
  type Listener,
  listenerTo,
  random,
  type Spoken,
  speakerTokenizer,
  speech,
} from '../../support/speaker.ts';
import { reasonOf, throws } from '../../support/throws.ts';

const test = suite('stream');

/** The speaker's tokens are bytes, some of which the usual rules forbid. */
const spelled: StreamOptions = { suppressTokens: '', suppressBlank: false, maxInitialTimestamp: null };

interface Heard {
  readonly updates: readonly StreamUpdate[];
  readonly text: string;
  readonly segments: readonly Segment[];
  readonly windows: readonly (readonly [number, number])[];
  readonly mel: CountedMel;
  readonly duration: number;
}

/** Silence in arrays of `samples`, without ever waiting. */
function* silence(seconds: number, samples = 1600): Generator<Float32Array> {
  for (let left = Math.round(seconds * 16000); left > 0; left -= samples)
    yield new Float32Array(Math.min(samples, left));
}

/** Silence in arrays of `chunk` seconds, each when all before it is decoded: as if decoding took no time. */
async function* stepped(seconds: number, chunk: number): AsyncGenerator<Float32Array> {
  for (const piece of silence(seconds, Math.round(chunk * 16000))) {
    yield piece;
    // The scripted engine needs nothing but promises, so it is done with the array by then. The stream begins with such a
    // wait too, before this one.
    await yieldToEventLoop();
  }
}

function streamModel({ inference }: Listener) {
  return { inference, tokenizer: speakerTokenizer, runExclusive: <T>(work: () => T): T => work() };
}

async function hear(
  listener: Listener,
  samples: Iterable<Float32Array> | AsyncIterable<Float32Array>,
  options: StreamOptions = {},
): Promise<Heard> {
  const mel = new CountedMel();
  const updates: StreamUpdate[] = [];
  const iterator = transcribeStream(streamModel(listener), mel, samples, { ...spelled, ...options });
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) {
      assert.is(listener.inference.open, 0, 'everything is closed');
      const text = updates.map(({ stable }) => stable).join('');
      const segments = updates.flatMap((update) => update.segments);
      return { updates, text, segments, windows: listener.windows(), mel, duration: value.duration };
    }
    updates.push(value);
  }
}

const textOf = (spoken: readonly Spoken[]): string => spoken.map(({ word }) => word).join('');

function same(actual: string, expected: string, what = ''): void {
  if (actual === expected) return;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const near = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 30), at + 30));
  assert.unreachable(`${what} at ${at} of ${expected.length}: ${near(actual)}, not ${near(expected)}`);
}

/** What holds for every stream. */
function checkOrder({ updates, text, segments }: Heard): void {
  const words = updates.flatMap((update) => update.words);
  same(words.map(({ word }) => word).join(''), text, 'the words are the text');
  same(segments.map((segment) => segment.text).join(''), text, 'so are the segments');
  const inSegments = segments.flatMap((segment) => segment.words ?? []);
  assert.ok(inSegments.length === words.length && inSegments.every((word, i) => word === words[i]));
  assert.equal(
    segments.map(({ id }) => id),
    segments.map((_, i) => i),
  );
  let last = 0;
  for (const { start, end } of words) {
    assert.ok(start >= last && end >= start, 'times go forward');
    last = end;
  }
  for (let i = 1; i < updates.length; i++) assert.ok(updates[i]!.heard >= updates[i - 1]!.heard);
}

for (const [name, chunk, options, seeds] of [
  ['slow, a second at a time', 1, {}, [1, 2]],
  ['in pieces of 0.7 s, decoded each 1.5 s', 0.7, { minChunk: 1.5 }, [3]],
  ['in pieces of 7 s', 7, {}, [4, 5, 6]],
  ['with a short buffer', 1, { maxBuffer: 8 }, [7, 8, 9]],
] as const) {
  test(`all words of a speaker, each once, in order: ${name}`, async () => {
    for (const seed of seeds) {
      const spoken = speech(45, seed);
      const heard = await hear(listenerTo(spoken), stepped(46, chunk), options);
      same(heard.text, textOf(spoken), `seed ${seed}`);
      checkOrder(heard);
      assert.is(heard.duration, 46);
    }
  });
}

test('words are stable two decodes after they were said', async () => {
  const spoken = speech(28, 7);
  const { updates } = await hear(listenerTo(spoken), stepped(29, 1));
  let n = 0;
  for (const { words, heard } of updates.slice(0, -1)) {
    n += words.length;
    const whole = spoken.filter(({ end }) => end <= heard - 1.05).length;
    assert.ok(n >= whole, `${n} of ${whole} words at ${heard} s`);
  }
});

test('words of low probability wait for more sound after them', async () => {
  const spoken = speech(12, 11);
  for (const [probability, least, most] of [
    [0.69, 4, 5],
    [0.71, 0, 3],
  ] as const) {
    const { updates, text } = await hear(
      listenerTo(spoken, () => undefined, undefined, probability),
      stepped(20, 1),
    );
    same(text, textOf(spoken));
    // The last update is the end of the sound, at which there is nothing to wait for.
    for (const { words, heard } of updates.slice(0, -1))
      for (const { word, end } of words)
        assert.ok(heard - end >= least && heard - end <= most, `${word} of ${end} s at ${heard} s, ${probability}`);
  }
});

test('what is not stable is shown as partial, and is no part of the text', async () => {
  const spoken = speech(10, 3);
  const { updates } = await hear(listenerTo(spoken), stepped(10, 1));
  assert.is(updates[0]!.stable, '');
  assert.match(updates[0]!.partial, / z[s-z]$/);
  let text = '';
  for (const { stable, partial, heard } of updates.slice(0, -1)) {
    text += stable;
    const said = textOf(spoken.filter(({ start }) => start < heard - 0.05));
    assert.is((text + partial).replace(/ z[s-z]$/, ''), said.slice(0, (text + partial).replace(/ z[s-z]$/, '').length));
  }
});

test('a fast source is decoded in full windows, and is not read far ahead', async () => {
  const spoken = speech(150, 5);
  let given = 0;
  const mel: { most: number } = { most: 0 };
  const listener = listenerTo(spoken);
  function* counted(): Generator<Float32Array> {
    for (const piece of silence(150)) {
      given += piece.length / 16000;
      yield piece;
      const heard = Math.max(0, ...listener.windows().map(([seek, size]) => (seek + size) / 100));
      mel.most = Math.max(mel.most, given - heard);
    }
  }
  const heard = await hear(listener, counted());
  same(heard.text, textOf(spoken));
  checkOrder(heard);
  assert.ok(heard.windows.length <= 10, `${heard.windows.length} decodes of 150 s`);
  assert.ok(mel.most < 66, `${mel.most} s ahead`);
});

test('memory is bounded: a window and its margin are held of a long sound', async () => {
  const spoken = speech(400, 6);
  const heard = await hear(listenerTo(spoken), silence(400, 16000 * 5));
  same(heard.text, textOf(spoken));
  assert.ok(heard.mel.most <= 3000 + 3, `${heard.mel.most} frames`);
  const slow = await hear(listenerTo(spoken), stepped(60, 2), { maxBuffer: 10 });
  assert.ok(slow.mel.most < 2100, `${slow.mel.most} frames`);
});

test('words that are decoded differently later are not revised, and nothing is doubled', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const spoken = speech(50, seed);
    const next = random(seed);
    const chance = new Map<string, string | undefined>();
    // Two decodes in a row hear the same, so that wrong words are given out too.
    const mishear = (index: number, decode: number): string | undefined => {
      const key = `${index}/${decode >> 1}`;
      if (!chance.has(key)) chance.set(key, next() < 0.06 ? ` wr${'ij'[index % 2]}` : undefined);
      return chance.get(key);
    };
    const heard = await hear(listenerTo(spoken, mishear), stepped(51, 1), { maxBuffer: seed % 2 ? 30 : 10 });
    checkOrder(heard);
    const words = heard.text.split(' ').slice(1);
    const wrong = words.filter((word) => word.startsWith('wr')).length;
    assert.is(words.length, spoken.length, `seed ${seed}: as many words as were said`);
    assert.ok(wrong > 0 && wrong < 0.1 * words.length, `${wrong} wrong`);
    const right = spoken.filter(({ word }, i) => word === ` ${words[i]}`).length;
    assert.is(right + wrong, words.length, `seed ${seed}: each in its place`);
  }
});

test('silence has no text, and is skipped', async () => {
  const heard = await hear(listenerTo([]), silence(100));
  assert.is(heard.text, '');
  assert.equal(heard.segments, []);
  assert.ok(heard.updates.every(({ partial }) => partial === ''));
  const quiet = speech(8, 2);
  const late = quiet.map((word) => ({ ...word, start: word.start + 60, end: word.end + 60 }));
  same((await hear(listenerTo(late), stepped(70, 1))).text, textOf(quiet));
});

test('no sound at all ends at once; a short one is decoded whole', async () => {
  const none = await hear(listenerTo([]), []);
  assert.equal([none.updates, none.duration], [[], 0]);
  const spoken = speech(0.8, 1);
  assert.ok(spoken.length > 0);
  const short = await hear(listenerTo(spoken), silence(0.8));
  assert.is(short.updates.length, 1);
  same(short.text, textOf(spoken));
});

test('a recording that is there already is decoded once a window', async () => {
  // As standard input is: what was read while the model was loaded, behind another feed.
  const behind = (seconds: number) => new SampleFeed(silence(seconds), 60 * 16000).samples();
  for (const source of [silence, behind]) {
    for (const [seconds, nWindows] of [
      [11, 1],
      [41, 2],
    ] as const) {
      const spoken = speech(seconds - 1, 9);
      const heard = await hear(listenerTo(spoken), source(seconds));
      same(heard.text, textOf(spoken));
      assert.is(heard.windows.length, nWindows, `${seconds} s`);
    }
  }
});

test('sound that the source gives in one array is decoded to its end', async () => {
  const spoken = speech(50, 4);
  const one = new Float32Array(50 * 16000);
  same((await hear(listenerTo(spoken), [one])).text, textOf(spoken));
});

test('the text before is the prompt; initial prompt and hotwords too', async () => {
  const spoken = speech(70, 8);
  const listener = listenerTo(spoken);
  await hear(listener, silence(70), { initialPrompt: 'Names', hotwords: 'hot' });
  const prompts = listener.inference.starts.map(({ groups }) => {
    const { initialTokens } = groups[0]!;
    return speakerTokenizer.decode(initialTokens.filter((token) => token < speakerTokenizer.eot));
  });
  assert.is(prompts[0], ' hot Names');
  assert.ok(prompts.at(-1)!.startsWith(' hot'));
  assert.ok(textOf(spoken).includes(prompts.at(-1)!.slice(8)), prompts.at(-1));
});

test('an abort while it decodes, and while it waits for sound, stops it and closes the source', async () => {
  for (const isWaiting of [false, true]) {
    const controller = new AbortController();
    let isClosed = false;
    const source: AsyncIterable<Float32Array> = {
      [Symbol.asyncIterator]() {
        let n = 0;
        return {
          next: () =>
            isWaiting && ++n > 40
              ? new Promise(() => setTimeout(() => controller.abort(new Error('enough')), 0))
              : Promise.resolve({ done: false, value: new Float32Array(1600) }),
          return: async () => {
            isClosed = true;
            return { done: true, value: undefined };
          },
        };
      },
    };
    let steps = 0;
    const listener = listenerTo(speech(100, 1), undefined, () => {
      if (!isWaiting && ++steps === 60) controller.abort(new Error('enough'));
    });
    let text = '';
    const options = { ...spelled, signal: controller.signal };
    const error = await reasonOf(async () => {
      const updates = transcribeStream(streamModel(listener), new CountedMel(), source, options);
      for await (const { stable } of updates) text += stable;
    });
    assert.is(String(error), 'Error: enough');
    assert.ok(isClosed, 'the source was closed');
    assert.is(listener.inference.open, 0);
    assert.ok(textOf(speech(100, 1)).startsWith(text));
  }
});

test('leaving the loop closes the source', async () => {
  let isClosed = false;
  function* source(): Generator<Float32Array> {
    try {
      for (;;) yield new Float32Array(1600);
    } finally {
      isClosed = true;
    }
  }
  const listener = listenerTo(speech(100, 1));
  for await (const _ of transcribeStream(streamModel(listener), new CountedMel(), source(), spelled)) break;
  assert.ok(isClosed);
  assert.is(listener.inference.open, 0);
});

test('what the source throws is thrown, after the words that were stable', async () => {
  function* broken(): Generator<Float32Array> {
    yield* silence(20);
    throw new Error('unplugged');
  }
  assert.is(String(await reasonOf(hear(listenerTo(speech(20, 1)), broken()))), 'Error: unplugged');
});

test('options that a stream does not have are refused', async () => {
  const rows: [object, ErrorCode<'OptionsError'>][] = [
    [{ clipTimestamps: '0,1' }, 'unknown'],
    [{ wordTimestamps: true }, 'unknown'],
    [{ minChunk: 0 }, 'range'],
    [{ maxBuffer: 31 }, 'range'],
    [{ temperature: -1 }, 'range'],
    [{ language: 'klingon' }, 'language'],
  ];
  for (const [options, code] of rows) {
    await throws(OptionsError, code, hear(listenerTo([]), [], options));
  }
});

test.run();
