/**
 * Many recordings in one pool, on an engine without weights: whenever they come, go or are given up, each has the text
 * that it has alone.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LogMel } from '../../src/audio/features/logMel.ts';
import { DeviceError, NumericError } from '../../src/base/errors.ts';
import { randomBits, randomStream } from '../../src/base/random.ts';
import type { AlignRequest, Inference } from '../../src/decode/inference.ts';
import { SharedInference } from '../../src/decode/pool/sharedInference.ts';
import type { TranscribeOptions } from '../../src/transcribe/options.ts';
import { transcribe } from '../../src/transcribe/transcribe.ts';
import type { Transcript } from '../../src/transcribe/transcript.ts';
import { logitsOf, type Script, type ScriptedAlignment, ScriptedInference } from '../support/scriptedInference.ts';
import { reasonOf } from '../support/throws.ts';
import { smallTokenizer as tokenizer } from '../support/tokenizer.ts';

const test = suite('pool of recordings');

const { nVocab, eot, timestampBegin: tsb } = tokenizer;

/** A recording whose windows say which it is and where they are; it takes its time to read one. */
function recording(key: number, seconds: number): LogMel {
  return {
    nMels: 1,
    nFrames: 100 * seconds,
    async window(seek, size) {
      for (let i = randomBits(key, seek) % 4; i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
      return Float32Array.of(key, seek, size);
    },
    detectionWindow: async () => Float32Array.of(key, -1, -1),
    close: async () => {},
  };
}

const noise = Float32Array.from({ length: 4 * nVocab }, (_, i) => (randomBits(7, i) / 2 ** 32) * 2);

/** Babbles what window and history, and nothing else, make of it: letters, timestamps and ends, more or less often by `seed`. */
function babble(seed: number): Script {
  const mood = randomStream(seed);
  const [ends, times, letters] = [mood() * 12, mood() * 12, mood() * 12];
  return ({ history, mel }) => {
    const key = [...mel, ...history].reduce((k, word) => randomBits(k, word), seed);
    const from = randomBits(key, 1) % (3 * nVocab);
    const row = noise.slice(from, from + nVocab);
    row[97 + (randomBits(key, 2) % 20)]! += letters * (randomBits(key, 3) / 2 ** 32);
    row[tsb + (randomBits(key, 4) % 1501)]! += times * (randomBits(key, 5) / 2 ** 32);
    row[eot]! += ends * (randomBits(key, 6) / 2 ** 32);
    return row;
  };
}

function align({ tokens, columns }: AlignRequest): ScriptedAlignment {
  const scores = Float32Array.from(
    { length: tokens.length * columns },
    (_, i) => randomBits(tokens[Math.floor(i / columns)]!, i % columns) / 2 ** 31,
  );
  return { heads: [scores], probs: Float32Array.from(tokens.slice(1), (token) => (token % 97) / 97) };
}

function randomOptions(seed: number): TranscribeOptions {
  const random = randomStream(seed);
  const maybe = <T>(value: T, share = 0.3): T | undefined => (random() < share ? value : undefined);
  const beams = random() < 0.3;
  return {
    language: 'en',
    temperature: beams || random() < 0.5 ? 0 : [0, 0.4, 1],
    beamSize: beams ? 2 + Math.floor(2 * random()) : undefined,
    bestOf: maybe(2),
    sampleLen: 4 + Math.floor(random() * 12),
    withoutTimestamps: maybe(true),
    suppressTokens: maybe('-1,97,98'),
    maxInitialTimestamp: maybe(null),
    conditionOnPreviousText: maybe(false),
    initialPrompt: maybe('hello'),
    noSpeechThreshold: maybe(null),
    logprobThreshold: maybe(-100),
    repetitionPenalty: maybe(1.2, 0.15),
    wordTimestamps: maybe(true, 0.08),
    seed,
  };
}

interface Guest {
  readonly mel: LogMel;
  readonly options: TranscribeOptions;
  /** Steps of the engine before it comes, and before it is given up. */
  readonly comes: number;
  readonly goes: number;
}

function guests(seed: number): Guest[] {
  const random = randomStream(seed + 31);
  return Array.from({ length: 2 + Math.floor(random() * 6) }, (_, i) => {
    const comes = Math.floor(random() * 60);
    return {
      mel: recording(i, 1 + Math.floor(random() * 45)),
      options: randomOptions(100 * seed + i),
      comes,
      goes: random() < 0.3 ? comes + Math.floor(random() * 80) : Number.POSITIVE_INFINITY,
    };
  });
}

interface Outcome {
  readonly transcript?: Transcript;
  readonly error?: unknown;
}

/** Lets all guests in when their time has come. */
async function together(seed: number, all: readonly Guest[]) {
  let steps = 0;
  const started = new Map<Guest, Promise<Outcome>>();
  const leave = all.map(() => new AbortController());
  const inference = new ScriptedInference({
    nVocab,
    script: babble(seed),
    align,
    onStep() {
      steps++;
      for (const [i, guest] of all.entries()) {
        if (guest.comes <= steps) start(guest, i);
        if (guest.goes <= steps) leave[i]!.abort(new Error(`guest ${i} goes`));
      }
    },
  });
  const pool = new SharedInference(inference, 1 + (seed % 4));
  const stay = async (guest: Guest, signal: AbortSignal): Promise<Outcome> => {
    try {
      const release = await pool.admission.lock(signal);
      try {
        const transcript = await transcribe({ inference: pool, tokenizer }, guest.mel, { ...guest.options, signal });
        return { transcript };
      } finally {
        release();
      }
    } catch (error) {
      return { error };
    }
  };
  const start = (guest: Guest, i: number): void => {
    if (!started.has(guest)) started.set(guest, stay(guest, leave[i]!.signal));
  };
  for (const [i, guest] of all.entries()) {
    start(guest, i);
    // Others may have come meanwhile.
    if (seed % 2 === 0 || i === all.length - 1) await Promise.all(started.values());
  }
  return { outcomes: await Promise.all(all.map((guest) => started.get(guest)!)), leave, pool, inference };
}

for (let block = 0; block < 10; block++) {
  test(`every text is as alone, whoever comes and goes: ${50 * block} to ${50 * block + 49}`, async () => {
    for (let seed = 50 * block; seed < 50 * block + 50; seed++) {
      const all = guests(seed);
      const { outcomes, leave, pool, inference } = await together(seed, all);
      for (const [i, guest] of all.entries()) {
        const { transcript, error } = outcomes[i]!;
        if (error) {
          assert.is(error, leave[i]!.signal.reason, `seed ${seed}, guest ${i}: ${error}`);
          continue;
        }
        const alone = new ScriptedInference({ nVocab, script: babble(seed), align });
        const expected = await transcribe({ inference: alone, tokenizer }, guest.mel, guest.options);
        assert.equal(transcript, expected, `seed ${seed}, guest ${i}`);
      }
      assert.is(pool.admission.held, 0);
      await new Promise((resolve) => setImmediate(resolve));
      assert.is(inference.open, 0, `seed ${seed}: everything is closed`);
    }
  });
}

/** Transcribes them all at once, and says what the engine was asked to step together. */
async function atOnce(
  inference: ScriptedInference,
  most: number,
  recordings: readonly (readonly [LogMel, TranscribeOptions])[],
) {
  const steps: number[] = [];
  const share = inference.shareRows.bind(inference);
  inference.shareRows = async (places, rowsEach) => {
    const rows = await share(places, rowsEach);
    const { advance, greedy } = rows;
    rows.advance = (given) => {
      steps.push(given.length);
      advance.call(rows, given);
    };
    rows.greedy = (given, limit) => {
      steps.push(given.length);
      return greedy.call(rows, given, limit);
    };
    return rows;
  };
  const shared = new SharedInference(inference, most);
  const transcripts = await Promise.all(
    recordings.map(async ([mel, options]) => {
      const release = await shared.admission.lock();
      try {
        return await transcribe({ inference: shared, tokenizer }, mel, {
          language: 'en',
          suppressTokens: '',
          ...options,
        });
      } finally {
        release();
      }
    }),
  );
  return { transcripts, steps };
}

/** Every window says one sentence to its end. */
const sentence: Script = ({ sampled }) => {
  const tokens = [tsb, ...Array.from('one sentence', (letter) => letter.charCodeAt(0)), tsb + 1500];
  return logitsOf(nVocab, { [tokens[sampled.length] ?? eot]: 20 });
};

test('recordings with prompts and rules of their own are rows of one step', async () => {
  const inference = new ScriptedInference({ nVocab, script: sentence, isSlow: true });
  const ways: TranscribeOptions[] = [
    { temperature: 0 },
    { temperature: 0, initialPrompt: 'a prompt', suppressTokens: '98' },
    { temperature: 0, withoutTimestamps: true, conditionOnPreviousText: false },
    { temperature: 0, maxInitialTimestamp: null, sampleLen: 9 },
    { temperature: 0.5, bestOf: 1, logprobThreshold: null },
  ];
  const { steps } = await atOnce(
    inference,
    ways.length,
    ways.map((options, key) => [recording(key, 120), options]),
  );
  assert.is(Math.max(...steps), ways.length, 'all of them at once');
});

test('none gets ahead of the others where there is room for few windows', async () => {
  const order: number[] = [];
  const inference = new ScriptedInference({ nVocab, script: sentence, isSlow: true });
  const { encode, reserveAudio } = inference;
  inference.encode = (mel, ...rest) => {
    order.push(mel[0]!);
    return encode.call(inference, mel, ...rest);
  };
  inference.reserveAudio = async (count, signal) => {
    if (count > 2) throw new DeviceError('outOfMemory', 'there is no more');
    return reserveAudio.call(inference, count, signal);
  };
  const windows = new Array<number>(6).fill(0);
  await atOnce(
    inference,
    6,
    windows.map((_, key) => [recording(key, 120), { temperature: 0 }] as const),
  );
  for (const key of order) {
    windows[key]!++;
    assert.ok(Math.max(...windows) - Math.min(...windows) <= 2, order.join(' '));
  }
  assert.equal(windows, new Array(6).fill(4));
});

test('an engine that has no memory for so many goes on with fewer', async () => {
  const none = (): never => {
    throw new DeviceError('outOfMemory', 'there is no more');
  };
  for (const [mostWindows, mostPlaces] of [
    [2, 8],
    [1, 8],
    [8, 1],
    [4, 2],
  ] as const) {
    const inference = new ScriptedInference({ nVocab, script: sentence });
    const { reserveAudio, shareRows } = inference;
    inference.reserveAudio = async (count, signal) =>
      count > mostWindows ? none() : reserveAudio.call(inference, count, signal);
    inference.shareRows = async (places, rowsEach) =>
      places > mostPlaces ? none() : shareRows.call(inference, places, rowsEach);
    const { transcripts } = await atOnce(
      inference,
      8,
      Array.from({ length: 6 }, (_, key) => [recording(key, 40), { beamSize: 1 + (key % 2) }] as const),
    );
    for (const { text } of transcripts) assert.is(text, 'one sentenceone sentence');
    assert.is(inference.mels.length, 12);
  }
});

test('an engine that searches beams does so for who is alone; those who meet share rows', async () => {
  const inference: ScriptedInference & Pick<Inference, 'beams'> = new ScriptedInference({ nVocab, script: sentence });
  let searches = 0;
  const { text } = await transcribe({ inference, tokenizer }, recording(0, 40), { language: 'en', beamSize: 2 });
  inference.beams = async () => {
    searches++;
    return undefined;
  };
  const decode = async (shared: SharedInference, key: number): Promise<string> => {
    const release = await shared.admission.lock();
    const options = { language: 'en', beamSize: 2 } as const;
    const { text } = await transcribe({ inference: shared, tokenizer }, recording(key, 40), options);
    release();
    return text;
  };
  const shared = new SharedInference(inference, 4);
  assert.is(await decode(shared, 0), text);
  assert.ok(searches > 0);
  searches = 0;
  const texts = await Promise.all([0, 1, 2].map((key) => decode(shared, key)));
  assert.equal(texts, new Array(3).fill(text));
  // The last window may be alone again.
  assert.ok(searches <= 1, `${searches}`);
});

test('an engine that holds one window, and decodes one call at a time, is shared too', async () => {
  const inference: ScriptedInference = new ScriptedInference({ nVocab, script: sentence });
  const { encode, greedy, start } = inference;
  const bare: Inference = {
    nVocab,
    nTextCtx: inference.nTextCtx,
    nMels: 1,
    encode: encode.bind(inference),
    greedy: greedy.bind(inference),
    start: start.bind(inference),
  };
  const shared = new SharedInference(bare, 4);
  const texts = await Promise.all(
    [undefined, 2, undefined, 3].map(async (beamSize, key) => {
      const release = await shared.admission.lock();
      const options = { language: 'en', suppressTokens: '', beamSize } as const;
      const { text } = await transcribe({ inference: shared, tokenizer }, recording(key, 40), options);
      release();
      return text;
    }),
  );
  assert.equal(texts, new Array(4).fill('one sentenceone sentence'));
  assert.is(inference.open, 0);
});

test('NaN in one recording is no error of the others', async () => {
  const script: Script = (context) => {
    const row = babble(3)(context);
    if (context.mel[0] === 1 && context.sampled.length === 3) row[5] = Number.NaN;
    return row;
  };
  for (const options of [{}, { beamSize: 3 }]) {
    const inference = new ScriptedInference({ nVocab, script });
    const pool = new SharedInference(inference, 4);
    const run = async (key: number): Promise<Transcript> => {
      const release = await pool.admission.lock();
      try {
        return await transcribe({ inference: pool, tokenizer }, recording(key, 40), {
          language: 'en',
          temperature: 0,
          ...options,
        });
      } finally {
        release();
      }
    };
    const [first, wrong, last] = await Promise.all([run(0), reasonOf(run(1)), run(2)]);
    assert.instance(wrong, NumericError);
    assert.ok(first.segments.length > 0 && last.segments.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(inference.open, 0);
  }
});

test.run();
