/** The detector on sounds whose nature is known, and on recordings whose words are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Activity, measureActivity } from '../../../src/audio/features/activity.ts';
import { logMel } from '../../../src/audio/features/logMel.ts';
import { type SpeechOptions, speechSpans } from '../../../src/audio/features/vad.ts';
import { randomStream } from '../../../src/base/random.ts';
import { readAudio } from '../../../src/runtime/nodeAudio.ts';
import { repoRoot, sharedOrSkip } from '../../support/paths.ts';
import { reasonOf } from '../../support/throws.ts';

const test = suite('vad');

const rate = 16000;

/** Samples of `seconds`, each made of its time and a random number in [-1, 1). */
function sound(seconds: number, make: (t: number, noise: number) => number, seed = 1): Float32Array {
  const random = randomStream(seed);
  return Float32Array.from({ length: seconds * rate }, (_, i) => make(i / rate, random() * 2 - 1));
}

/** A voice of sorts: harmonics of 120 Hz, louder and softer four times a second. */
function voice(t: number): number {
  let sum = 0;
  for (let k = 1; k <= 25; k++) sum += Math.sin(2 * Math.PI * 120 * k * t) / k;
  return 0.1 * sum * (0.55 + 0.45 * Math.sin(2 * Math.PI * 4 * t));
}

const between = (t: number, start: number, end: number): boolean => t >= start && t < end;

async function spansOf(samples: Float32Array, options?: SpeechOptions, nMels = 80): Promise<number[][]> {
  const spans = speechSpans(await measureActivity(await logMel(samples, { nMels })), options);
  return spans.map(({ start, end }) => [start / 100, end / 100]);
}

/** Same spans, each border within `within` seconds. */
function near(found: number[][], wanted: number[][], within: number, what = ''): void {
  const told = `${what} found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`;
  assert.is(found.length, wanted.length, told);
  found.forEach((span, i) => {
    span.forEach((time, side) => {
      assert.ok(Math.abs(time - wanted[i]![side]!) <= within, told);
    });
  });
}

const noPadding = { padding: 0 };

test('nothing, silence and steady noise of any loudness and colour are no speech', async () => {
  assert.equal(await spansOf(new Float32Array(0)), []);
  assert.equal(await spansOf(new Float32Array(100)), []);
  assert.equal(await spansOf(sound(8, () => 0)), []);
  for (const loudness of [1e-4, 0.01, 0.5])
    assert.equal(await spansOf(sound(20, (_, noise) => loudness * noise)), [], `white noise of ${loudness}`);
  let brown = 0;
  const rumble = sound(20, (_, noise) => {
    brown = 0.98 * brown + 0.02 * noise;
    return brown;
  });
  assert.equal(await spansOf(rumble), [], 'brown noise');
  const hum = sound(20, (t, noise) => 0.2 * Math.sin(2 * Math.PI * 100 * t) + 0.001 * noise);
  assert.equal(await spansOf(hum), [], 'hum');
});

test('a voice in silence and in noise is found where it is', async () => {
  for (const noiseLevel of [0, 1e-4, 0.01]) {
    const samples = sound(12, (t, noise) => noiseLevel * noise + (between(t, 3, 5) || between(t, 8, 9) ? voice(t) : 0));
    near(
      await spansOf(samples, noPadding),
      [
        [3, 5],
        [8, 9],
      ],
      0.1,
      `noise ${noiseLevel}:`,
    );
  }
});

test('a voice 5 dB above the noise is found', async () => {
  const samples = sound(12, (t, noise) => 0.09 * noise + (between(t, 4, 7) ? voice(t) : 0));
  near(await spansOf(samples, noPadding), [[4, 7]], 0.25);
});

test('a tone in noise is a sound; bursts of noise and clicks in silence are not', async () => {
  const tone = sound(10, (t, noise) => 0.01 * noise + (between(t, 4, 6) ? 0.2 * Math.sin(2 * Math.PI * 700 * t) : 0));
  near(await spansOf(tone, noPadding), [[4, 6]], 0.1);
  const burst = sound(10, (t, noise) => (between(t, 4, 6) ? 0.2 * noise : 0));
  assert.equal(await spansOf(burst), []);
  const clicks = sound(10, (t, noise) => 0.001 * noise + (Math.round(t * rate) % 11200 === 5600 ? 0.9 : 0));
  assert.equal(await spansOf(clicks), []);
});

test('a voice that is much softer than another is found too, up to 45 dB', async () => {
  const softened = (db: number) =>
    sound(30, (t) => (between(t, 2, 6) ? voice(t) : between(t, 20, 24) ? voice(t) * 10 ** (-db / 20) : 0));
  near(
    await spansOf(softened(30), noPadding),
    [
      [2, 6],
      [20, 24],
    ],
    0.15,
  );
  assert.is((await spansOf(softened(60), noPadding)).length, 1);
});

test('noise that changes is followed', async () => {
  const samples = sound(60, (t, noise) => (t < 30 ? 0.003 : 0.03) * noise + (t % 12 > 10 ? voice(t) : 0));
  const found = (await spansOf(samples, noPadding)).filter(([start]) => start! < 29 || start! > 40);
  near(
    found,
    [
      [10, 12],
      [22, 24],
      [46, 48],
      [58, 60],
    ],
    0.15,
  );
});

test('128 mel bands give the spans of 80', async () => {
  const samples = sound(12, (t, noise) => 0.01 * noise + (between(t, 3, 5) || between(t, 8, 9) ? voice(t) : 0));
  near(
    await spansOf(samples, noPadding, 128),
    [
      [3, 5],
      [8, 9],
    ],
    0.1,
  );
});

/** An activity with sound in the frames given. */
function activity(nFrames: number, ...loud: [number, number][]): Activity {
  const excess = new Float32Array(nFrames);
  for (const [start, end] of loud) excess.fill(10, start, end);
  return { nFrames, excess, peakedness: new Float32Array(nFrames).fill(10) };
}

test('short sounds are dropped, short pauses closed, margins kept apart', () => {
  const spans = (given: Activity, options: SpeechOptions) =>
    speechSpans(given, options).map(({ start, end }) => [start, end]);
  const plain = { minSpeech: 0, minSilence: 0, padding: 0 };
  const some = activity(1000, [100, 105], [200, 300], [340, 400], [600, 700]);
  assert.equal(spans(some, plain), [
    [100, 105],
    [200, 300],
    [340, 400],
    [600, 700],
  ]);
  assert.equal(spans(some, { ...plain, minSpeech: 0.06 }), [
    [200, 300],
    [340, 400],
    [600, 700],
  ]);
  assert.equal(spans(some, { ...plain, minSilence: 0.4 }), [
    [100, 105],
    [200, 300],
    [340, 400],
    [600, 700],
  ]);
  assert.equal(spans(some, { ...plain, minSilence: 0.41 }), [
    [100, 105],
    [200, 400],
    [600, 700],
  ]);
  assert.equal(spans(some, { ...plain, padding: 0.19 }), [
    [81, 124],
    [181, 319],
    [321, 419],
    [581, 719],
  ]);
  assert.equal(
    spans(some, { ...plain, padding: 0.2 }),
    [
      [80, 125],
      [180, 420],
      [580, 720],
    ],
    'margins that meet are one',
  );
  assert.equal(spans(activity(300, [0, 300]), { padding: 1 }), [[0, 300]], 'not beyond the recording');
});

test('a span begins with a frame above both thresholds, includes what leads up to it, and ends below the lower one', () => {
  const excess = Float32Array.of(0, 2, 3, 3, 6, 3, 3, 2, 0, 6, 0);
  const peakedness = Float32Array.of(9, 9, 0, 9, 9, 0, 0, 9, 9, 2, 9);
  const found = speechSpans({ nFrames: 11, excess, peakedness }, { minSpeech: 0, padding: 0, minSilence: 0 });
  assert.equal(found, [{ start: 2, end: 7 }]);
});

test('an abort stops it', async () => {
  const controller = new AbortController();
  const mel = await logMel(sound(61, voice), { nMels: 80 });
  const parts: number[] = [];
  const watched = {
    nFrames: mel.nFrames,
    window: (seek: number, size: number) => {
      parts.push(seek);
      controller.abort();
      return mel.window(seek, size);
    },
  };
  assert.is(await reasonOf(() => measureActivity(watched, controller.signal)), controller.signal.reason);
  assert.equal(parts, [0]);
});

test('JFK: the pauses between his phrases are not speech, his words are', async () => {
  const mel = await logMel(await readAudio(join(repoRoot, 'assets/jfk.wav')), { nMels: 80 });
  const found = speechSpans(await measureActivity(mel), { padding: 0, minSilence: 0.5 });
  near(
    found.map(({ start, end }) => [start / 100, end / 100]),
    [
      [0.31, 2.32],
      [3.28, 4.54],
      [5.41, 11],
    ],
    0.15,
  );
});

interface Words {
  readonly segments: readonly {
    readonly words?: readonly { readonly word: string; readonly start: number; readonly end: number }[];
  }[];
}

const shared = sharedOrSkip('vad on recordings with known words');
if (shared) {
  const samples = (file: string): Promise<Float32Array> => readAudio(join(shared, 'speech', file));
  test('recordings: words are inside', async () => {
    const clips = [
      'de_fleurs_1.ogg',
      'en_harvard_1.flac',
      'ja_leopard_1.flac',
      'pt_fleurs_1.ogg',
      'ru_librivox_1.flac',
      'zh_fleurs_1.flac',
      'es_leopard_1.flac',
      'hi_rhino_1.flac',
    ];
    let words = 0;
    for (const file of clips) {
      const path = join(shared, 'reference/tiny', file.replace(/\.\w+$/, '.words.json'));
      const reference = JSON.parse(readFileSync(path, 'utf8')) as Words; // openai/whisper's form
      const spans = await spansOf(await samples(file));
      for (const { word, start, end } of reference.segments.flatMap((segment) => segment.words ?? [])) {
        words++;
        const middle = (start + end) / 2;
        assert.ok(
          spans.some((span) => span[0]! <= middle && middle <= span[1]!),
          `${file}: ${word} at ${middle}`,
        );
      }
    }
    assert.is(words, 191);
  });

  test('recordings: silence and noise are outside', async () => {
    assert.equal(await spansOf(await samples('edge_silence_5s.wav')), []);
    assert.equal(await spansOf(await samples('edge_noise_20s.flac')), []);
    near(
      await spansOf(await samples('fr_linto_2.mp3')),
      [
        [0, 3.5],
        [32.3, 36],
      ],
      0.3,
      '29 s of silence:',
    );
  });
}

test.run();
