/** Windows decoded at once: nothing lost, doubled or out of order, wherever pieces meet. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../../src/base/errors.ts';
import type { Progress } from '../../../src/base/progress.ts';
import { randomStream } from '../../../src/base/random.ts';
import type { TranscribeOptions } from '../../../src/transcribe/options.ts';
import { transcribe, transcribeSegments } from '../../../src/transcribe/transcribe.ts';
import type { Segment, Transcript } from '../../../src/transcribe/transcript.ts';
import {
  digitFrames,
  digitReader,
  digitRecording,
  layDigits,
  type ReaderOptions,
  type SpokenDigit,
} from '../../support/digits.ts';
import { codeOf } from '../../support/throws.ts';
import { smallTokenizer as tokenizer } from '../../support/tokenizer.ts';
import { always, longer, nFrames, said, unbroken } from './scene.ts';

const test = suite('batch');

async function read(
  digits: readonly SpokenDigit[],
  options: TranscribeOptions = {},
  reader: ReaderOptions = {},
  frames = nFrames,
) {
  const inference = digitReader(reader);
  const transcript = await transcribe({ inference, tokenizer }, digitRecording(digits, frames), {
    ...always,
    ...options,
  });
  assert.is(inference.open, 0, 'everything is closed');
  return { transcript, inference };
}

/** All of it, in order, each segment where it was said. */
function check({ text, segments }: Transcript, digits: readonly SpokenDigit[], what: string): void {
  assert.is(text, said(digits), what);
  assert.is(segments.map((segment) => segment.text).join(''), text, what);
  let end = 0;
  let next = 0;
  segments.forEach((segment, i) => {
    assert.is(segment.id, i);
    assert.ok(segment.start >= end - 1e-9 && segment.end >= segment.start, `${what}: ${i} at ${segment.start}`);
    end = segment.end;
    const own = digits.slice(next, next + segment.text.length / 2);
    next += own.length;
    // The first timestamp of a window is at most 1 s after its start.
    assert.ok(segment.start <= own[0]!.start / 100 + 0.25, `${what}: ${i} begins at ${segment.start}`);
    assert.ok(Math.abs(segment.end - own.at(-1)!.end / 100) < 0.25, `${what}: ${i} ends at ${segment.end}`);
  });
}

const period = digitFrames + 6;

for (let shift = 0; shift < period; shift++) {
  test(`digits without a pause, ${shift} frames later`, async () => {
    const random = randomStream(shift);
    const digits = unbroken(shift, () => Math.floor(random() * 10));
    const { transcript, inference } = await read(digits);
    check(transcript, digits, `shift ${shift}`);
    assert.is(inference.starts[0]!.groups.length, 2, 'both at once');
  });
}

test('one and the same digit over and over: none lost, none doubled', async () => {
  for (let shift = 0; shift < period; shift += 11) {
    const digits = unbroken(shift, () => 7);
    check((await read(digits)).transcript, digits, `sevens, shift ${shift}`);
  }
});

test('without alignment heads times are guessed, and joins hold', async () => {
  for (let shift = 0; shift < period; shift += 11) {
    const digits = unbroken(shift, (i) => (i * 7) % 10);
    check((await read(digits, {}, { withoutHeads: true })).transcript, digits, `no heads, shift ${shift}`);
  }
});

test('with word times, each word is told once, where it was said', async () => {
  for (let shift = 0; shift < period; shift += 11) {
    const digits = unbroken(shift, (i) => (i * 3) % 10, longer);
    const { transcript } = await read(digits, { wordTimestamps: true }, {}, longer);
    assert.is(transcript.text, said(digits));
    const words = transcript.segments.flatMap((segment) => segment.words!);
    assert.is(words.map(({ word }) => word).join(''), transcript.text);
    words.forEach(({ start, end }, i) => {
      const digit = digits[i]!;
      // The first one takes in the silence before it.
      if (i > 0) assert.ok(Math.abs(start - digit.start / 100) < 0.15, `${i}: ${start} for ${digit.start}`);
      assert.ok(Math.abs(end - digit.end / 100) < 0.15, `${i}: ${end} for ${digit.end}`);
      if (i > 0) assert.ok(start >= words[i - 1]!.end - 1e-9);
    });
  }
});

for (let seed = 1; seed <= 16; seed++) {
  test(`random pauses, endings, sizes: seed ${seed}`, async () => {
    const random = randomStream(seed + 1000);
    const talkative = random();
    const gaps = (): number => {
      if (random() < 0.3 + 0.65 * talkative) return 4 + Math.floor(random() * 8);
      return Math.floor(random() * (random() < 0.2 ? 900 : 150));
    };
    const frames = 500 + Math.floor(random() * 12000);
    const digits = layDigits(
      Array.from({ length: 400 }, () => Math.floor(random() * 10)),
      gaps,
    ).filter(({ end }) => end < frames);
    const endings = ['one', 'two', 'text'] as const;
    const first = Math.floor(random() * 3);
    const reader: ReaderOptions = {
      perSegment: 1 + Math.floor(random() * 8),
      ending: (window) => endings[(window + first) % 3]!,
    };
    const options = {
      batchSize: 2 + Math.floor(random() * 7),
      wordTimestamps: random() < 0.4,
      vad: random() < 0.4,
    };
    const { transcript } = await read(digits, options, reader, frames);
    assert.is(transcript.text, said(digits), JSON.stringify(options));
    let end = 0;
    for (const segment of transcript.segments) {
      assert.ok(segment.start >= end - 0.021 && segment.end >= segment.start, `${segment.start} after ${end}`);
      end = segment.end;
    }
  });
}

test('a pause is cut in: no windows overlap, none is longer than 30 s', async () => {
  const digits = layDigits(
    Array.from({ length: 150 }, (_, i) => i % 10),
    (i) => (i % 8 === 0 ? 60 : 6),
  );
  const frames = digits.at(-1)!.end + 100;
  const mel = digitRecording(digits, frames);
  const windows: [number, number][] = [];
  const inference = digitReader();
  const watched = {
    ...mel,
    window: (seek: number, size: number) => {
      if (inference.mels.length > 0 || windows.length > 0 || size < 3000) windows.push([seek, size]);
      return mel.window(seek, size);
    },
  };
  const { text } = await transcribe({ inference, tokenizer }, watched, always);
  assert.is(text, said(digits));
  // What the detector reads comes first: windows of 3000 frames, and the rest.
  const decoded = windows.slice(-inference.mels.length);
  decoded.reduce((end, [seek, size]) => {
    assert.is(seek, end);
    assert.ok(size <= 3000);
    return seek + size;
  }, 0);
});

test('what the model would leave to the next window is read at once, where a chunk ends in a pause', async () => {
  const digits = layDigits(
    Array.from({ length: 150 }, (_, i) => i % 10),
    (i) => (i % 8 === 0 ? 60 : 6),
  );
  const frames = digits.at(-1)!.end + 100;
  const isTimestamp = (token: number | undefined): boolean => (token ?? 0) >= tokenizer.timestampBegin;
  // It ends after every pair of timestamps, where that is allowed.
  const change: ReaderOptions['change'] = (logits, { sampled }) => {
    if (sampled.length > 1 && isTimestamp(sampled.at(-1)) && isTimestamp(sampled.at(-2))) logits[tokenizer.eot] = 40;
    return logits;
  };
  const { inference: plain } = await read(digits, {}, {}, frames);
  // Digits in order compress well: that would make the text bad, and let the model end.
  const whole = { compressionRatioThreshold: null };
  for (const more of [{}, { beamSize: 2 }, { temperature: 0.2 }, { repetitionPenalty: 1.01 }]) {
    const options = { ...whole, ...more };
    const { transcript, inference } = await read(digits, options, { change }, frames);
    assert.is(transcript.text, said(digits), JSON.stringify(options));
    assert.is(inference.mels.length, plain.mels.length, JSON.stringify(options));
  }
});

test('no window is shown what another said; the initial prompt is shown to all, or to the first alone', async () => {
  const digits = unbroken(0, (i) => i % 10, longer);
  const prompts = async (options: TranscribeOptions) => {
    const { inference } = await read(digits, { initialPrompt: 'x', hotwords: 'y', ...options }, {}, longer);
    return inference.starts
      .flatMap(({ groups }) => groups)
      .map(({ initialTokens, sotIndex }) => tokenizer.decode(initialTokens.slice(1, sotIndex)));
  };
  const all = await prompts({});
  assert.ok(all.length >= 3);
  assert.ok(
    all.every((prompt) => prompt === ' y x'),
    all.join(),
  );
  const [first, ...others] = await prompts({ carryInitialPrompt: false });
  assert.is(first, ' y x');
  assert.ok(
    others.every((prompt) => prompt === ' y'),
    others.join(),
  );
});

test('a window that fails its checks is decoded again alone, the others are not', async () => {
  const digits = unbroken(0, (i) => i % 10);
  const reader: ReaderOptions = {
    // The second window is unsure of everything.
    change: (logits, { window, sampled }) =>
      window === 1 ? logits.map((x, id) => (x > 0 || id > 263 || sampled.length === 0 ? x : 17)) : logits,
  };
  const { transcript, inference } = await read(
    digits,
    { temperature: [0, 0.0001], compressionRatioThreshold: null },
    reader,
  );
  // Together; alone, as the last chunk may end where the model wants to; alone, warmer.
  assert.equal(
    inference.starts.map(({ groups }) => groups.length),
    [2, 1, 1],
  );
  assert.equal([...new Set(transcript.segments.map(({ temperature }) => temperature))], [0, 0.0001]);
});

test('progress does not go back and reaches the end', async () => {
  const digits = layDigits(
    Array.from({ length: 200 }, (_, i) => i % 10),
    (i) => (i % 30 === 0 ? 100 : 6),
  );
  for (const vad of [false, true]) {
    const told: Progress[] = [];
    const frames = digits.at(-1)!.end + 50;
    await read(digits, { batchSize: 2, vad, onProgress: (progress) => told.push(progress) }, {}, frames);
    assert.ok(told.length >= 3);
    told.forEach(({ done, total }, i) => {
      assert.is(total, frames / 100);
      assert.ok(done >= (told[i - 1]?.done ?? 0) && done <= total, `${i}: ${done} of ${total}`);
    });
    assert.is(told[0]!.done, 0);
    assert.is(told.at(-1)!.done, told.at(-1)!.total);
  }
});

test('an abort at any step stops it, with nothing left open and a beginning of the segments told', async () => {
  const digits = unbroken(0, (i) => i % 10, 3600);
  let steps = 0;
  const run = async (stopAt: number) => {
    const abort = new AbortController();
    const reason = new Error('stopped');
    const segments: Segment[] = [];
    steps = 0;
    const inference = digitReader({
      onStep: () => {
        if (++steps === stopAt) abort.abort(reason);
      },
    });
    const options = { ...always, wordTimestamps: true, signal: abort.signal };
    let error: unknown;
    try {
      const model = { inference, tokenizer };
      for await (const segment of transcribeSegments(model, digitRecording(digits, 3600), options))
        segments.push(segment);
    } catch (thrown) {
      error = thrown;
    }
    assert.is(inference.open, 0, `step ${stopAt}`);
    return { segments, error, reason };
  };
  const whole = await run(Number.POSITIVE_INFINITY);
  assert.is(whole.error, undefined);
  const total = steps;
  assert.ok(total > 100);
  for (let stopAt = 1; stopAt <= total; stopAt += stopAt < 10 || stopAt > total - 10 ? 1 : 37) {
    const { segments, error, reason } = await run(stopAt);
    assert.is(error, reason, `step ${stopAt}`);
    assert.equal(segments, whole.segments.slice(0, segments.length));
  }
});

test('leaving the loop leaves nothing open', async () => {
  const digits = unbroken(0, (i) => i % 10);
  const inference = digitReader();
  for await (const segment of transcribeSegments({ inference, tokenizer }, digitRecording(digits, nFrames), always)) {
    assert.is(segment.id, 0);
    break;
  }
  assert.is(inference.open, 0);
});

test('parts of a recording, in the order given', async () => {
  const digits = unbroken(0, (i) => i % 10, longer);
  const { transcript } = await read(digits, { clipTimestamps: [36, 72, 0, 18] }, {}, longer);
  const inside = (start: number, end: number) => digits.filter((d) => d.start >= start - 2 && d.end <= end + 2);
  assert.is(transcript.text, said([...inside(3600, 7200), ...inside(0, 1800)]));
});

for (const most of [1, 2, 3])
  test(`an engine that has no memory for more than ${most} of seven windows goes on with fewer`, async () => {
    const digits = unbroken(0, (i) => i % 10, 7 * longer);
    const inference = digitReader();
    const { reserveAudio } = inference;
    const asked: number[] = [];
    inference.reserveAudio = async (count, signal) => {
      asked.push(count);
      if (count > most) throw new DeviceError('outOfMemory', 'there is no more');
      return reserveAudio.call(inference, count, signal);
    };
    const warnings: string[] = [];
    const options: TranscribeOptions = { ...always, batchSize: 7, onWarning: ({ code }) => warnings.push(code) };
    check(
      await transcribe({ inference, tokenizer }, digitRecording(digits, 7 * longer), options),
      digits,
      'with fewer',
    );
    assert.is(inference.open, 0);
    assert.equal(warnings, ['smallerBatch']);
    // Once it is known, more are not asked for again.
    const found = asked.findIndex((count) => count <= most);
    assert.ok(
      asked.slice(found).every((count) => count <= most),
      asked.join(' '),
    );
  });

test('an engine without memory for a single window ends the batch', async () => {
  const inference = digitReader();
  inference.reserveAudio = async () => {
    throw new DeviceError('outOfMemory', 'there is no more');
  };
  const work = () => transcribe({ inference, tokenizer }, digitRecording([], 100), always);
  assert.is(await codeOf(work), 'outOfMemory');
});

test('options that a batch cannot keep are refused', async () => {
  const check = (options: TranscribeOptions) =>
    codeOf(() =>
      transcribe({ inference: digitReader(), tokenizer }, digitRecording([], 100), { ...always, ...options }),
    );
  assert.is(await check({}), 'none');
  assert.is(await check({ conditionOnPreviousText: true }), 'contradiction');
  assert.is(await check({ conditionOnPreviousText: true, batchSize: 1 }), 'none');
  assert.is(await check({ conditionOnPreviousText: false }), 'none');
  assert.is(await check({ promptResetOnTemperature: 0.5 }), 'contradiction');
  assert.is(await check({ batchSize: 0 }), 'range');
  assert.is(await check({ batchSize: 1.5 }), 'range');
  assert.is(await check({ vad: { threshold: -1 } }), 'range');
  // A name that is no option of the detector's.
  assert.is(await check({ vad: { loudness: 1 } as object }), 'unknown');
  const { inference } = { inference: digitReader() };
  const small = Object.assign(Object.create(inference) as typeof inference, { reserveAudio: undefined });
  const refused = () => transcribe({ inference: small, tokenizer }, digitRecording([], 100), always);
  assert.is(await codeOf(refused), 'batchSize');
});

test.run();
