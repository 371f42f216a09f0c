/**
 * Known texts through the real model. The recording is the repository's; with the argument `all` also those of
 * `../shared/speech` that have a transcript (and whose names begin with a further argument), for the share of the words that both texts have whose times are those of
 * `wordTimestamps` (20 minutes).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { load, type Transcript, type Unmatched, type Whisper } from '../../src/index.node.ts';
import { repoRoot, sharedDir, tinyPackage } from '../support/paths.ts';

const test = suite('align with the tiny model');
const jfk = join(repoRoot, 'assets/jfk.wav');
const lines = [
  'And so my fellow Americans',
  'ask not what your country can do for you,',
  'ask what you can do for your country.',
];

let whisper: Whisper;
test.before(async () => {
  whisper = await load(tinyPackage, { device: 'cpu', threads: 2 });
});
test.after(() => whisper.close());

const wordsOf = ({ segments }: Transcript) => segments.flatMap(({ words = [] }) => words);
const plain = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
const reported = (unmatched: readonly Unmatched[]): string[] =>
  unmatched.map(({ kind, line, text }) => `${kind} ${line} ${text}`);

test('the text as the model reads it has the times of the transcription', async () => {
  const english = { language: 'en' } as const;
  const transcript = await whisper.transcribe(jfk, { ...english, wordTimestamps: true });
  const { segments, unmatched, foundCount, wordCount } = await whisper.align(jfk, lines.join('\n'), english);
  assert.equal(
    segments.map(({ text }) => text.trim()),
    lines,
  );
  assert.equal([unmatched, foundCount, wordCount], [[], 22, 22]);
  const wanted = wordsOf(transcript);
  for (const [i, { word, start, end }] of segments.flatMap(({ words = [] }) => words).entries()) {
    assert.is(plain(word), plain(wanted[i]?.word ?? ''));
    assert.equal([start, end], [wanted[i]?.start, wanted[i]?.end]);
  }
});

test('a wrong word, a sentence that is not said, one that is not in the text', async () => {
  const right = wordsOf(await whisper.align(jfk, lines, { language: 'en' }));
  const wrong = await whisper.align(jfk, [lines[0]!, 'ask not what your banana can do for you,', lines[2]!], {
    language: 'en',
  });
  assert.equal(reported(wrong.unmatched), ['notSaid 2 banana']);
  assert.is(wrong.unmatched[0]?.heard, 'country');
  const more = await whisper.align(jfk, [lines[0]!, 'The weather will be fine in the north.', lines[1]!, lines[2]!], {
    language: 'en',
  });
  assert.equal(reported(more.unmatched), ['notSaid 2 The weather will be fine in the north.']);
  const fewer = await whisper.align(jfk, [lines[0]!, lines[2]!], { language: 'en' });
  assert.is(fewer.unmatched.length, 1);
  assert.match(reported(fewer.unmatched)[0] ?? '', /^notInText \d .*not what your country can do/);
  for (const { segments } of [wrong, more, fewer]) {
    const words = segments.flatMap(({ words: own = [] }) => own).filter(({ probability }) => probability > 0);
    for (const { word, start, end } of words) {
      assert.ok(
        right.some((one) => plain(one.word) === plain(word) && one.start === start && one.end === end),
        `${word} ${start} ${end}`,
      );
    }
  }
});

test('another text, and silence', async () => {
  const other = 'Today only platforms one and three are used.';
  const nowhere = await whisper.align(jfk, other, { language: 'en' });
  assert.equal([nowhere.segments, nowhere.foundCount], [[], 0]);
  assert.equal(reported(nowhere.unmatched), [`notSaid 1 ${other}`]);
  const silence = await whisper.align(new Float32Array(16_000 * 4), lines, { language: 'en' });
  assert.equal([silence.segments, silence.foundCount], [[], 0]);
});

/** Indices of the words of a longest common subsequence; of marks alone none. */
function commonWords(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let k = b.length - 1; k >= 0; k--) {
      const isSame = a[i] === b[k] && a[i] !== '';
      const skipped = Math.max(lengths[(i + 1) * width + k]!, lengths[i * width + k + 1]!);
      lengths[i * width + k] = isSame ? lengths[(i + 1) * width + k + 1]! + 1 : skipped;
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let [i, k] = [0, 0]; i < a.length && k < b.length; ) {
    if (a[i] === b[k] && a[i] !== '') pairs.push([i++, k++]);
    else if (lengths[(i + 1) * width + k]! >= lengths[i * width + k + 1]!) i++;
    else k++;
  }
  return pairs;
}

interface Recording {
  readonly file: string;
  readonly lang: string;
  readonly transcript: string | null;
}

if (sharedDir !== undefined && process.argv.includes('all')) {
  const folder = join(sharedDir, 'speech');
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Recording[]; // a file that we were given
  test('recordings with transcripts', async () => {
    let [common, same, words, found] = [0, 0, 0, 0];
    for (const { file, lang: language, transcript } of index) {
      // Edges are parts of the recording above.
      if (transcript === null || transcript.trim() === '' || file.startsWith('edge_')) continue;
      if (!file.startsWith(process.argv[3] ?? '')) continue;
      const path = join(folder, file);
      const options = { language, temperature: 0 } as const;
      const heard = wordsOf(await whisper.transcribe(path, { ...options, wordTimestamps: true }));
      const aligned = await whisper.align(path, transcript, options);
      const given = wordsOf(aligned);
      const pairs = commonWords(
        given.map(({ word }) => plain(word)),
        heard.map(({ word }) => plain(word)),
      );
      const ownCommon = pairs.length;
      const ownSame = pairs.filter(([i, k]) => {
        const [one, other] = [given[i]!, heard[k]!];
        return Math.abs(one.start - other.start) <= 0.021 && Math.abs(one.end - other.end) <= 0.021;
      }).length;
      [common, same] = [common + ownCommon, same + ownSame];
      [words, found] = [words + aligned.wordCount, found + aligned.foundCount];
      console.log(
        `${file}: ${aligned.foundCount} of ${aligned.wordCount} found; ${ownSame} of ${ownCommon} at the same time`,
      );
    }
    console.log(`all: ${found} of ${words} found; ${same} of ${common} at the same time`);
    assert.ok(same >= 0.99 * common, `${same} of ${common}`);
  });
}

test.run();
