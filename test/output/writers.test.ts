/** openai/whisper's five writers against the bytes that it prints for the same results; the others against examples. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { roundHalfEven, strip } from '../../src/base/python.ts';
import { floatRepr, jsonString } from '../../src/output/pythonJson.ts';
import { formatTimestamp } from '../../src/output/timestamp.ts';
import type { WrapOptions } from '../../src/output/wrap.ts';
import { extensionOf, FORMATS, OPENAI_FORMATS, write } from '../../src/output/writer.ts';
import type { Segment, Transcript, Word } from '../../src/transcribe/transcript.ts';
import { sharedOrSkip } from '../support/paths.ts';
import { segmentOf } from '../support/segments.ts';
import { throws } from '../support/throws.ts';

const test = suite('writers');

interface ReferenceSegment extends Omit<Segment, 'avgLogprob' | 'compressionRatio' | 'noSpeechProb'> {
  readonly avg_logprob: number;
  readonly compression_ratio: number;
  readonly no_speech_prob: number;
}
interface Index {
  readonly variants: Record<string, Record<string, number | boolean>>;
  readonly results: Record<string, readonly string[]>;
}

function transcriptOf(json: { text: string; language: string; segments: ReferenceSegment[] }): Transcript {
  const segments = json.segments.map(({ avg_logprob, compression_ratio, no_speech_prob, ...rest }) => ({
    ...rest,
    tokenLogprobs: [],
    avgLogprob: avg_logprob,
    compressionRatio: compression_ratio,
    noSpeechProb: no_speech_prob,
  }));
  return { text: json.text, language: json.language, segments };
}

function segment(text: string, words?: readonly Word[]): Segment {
  return segmentOf(text, { tokens: [50364, 50464], ...(words && { words }) });
}

const shared = sharedOrSkip('the reference files of the writers');
if (shared) {
  const folder = join(shared, 'reference/writers');
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Index;
  for (const [name, files] of Object.entries(index.results)) {
    test(`${name}: ${files.length} files byte for byte`, () => {
      const input = ['input.json', 'plain.json']
        .map((file) => join(folder, name, file))
        .find((file) => existsSync(file));
      const transcript = transcriptOf(JSON.parse(readFileSync(input ?? '', 'utf8')));
      for (const file of files) {
        const [variant = '', extension] = file.split('.');
        const given = index.variants[variant] ?? {};
        const options: WrapOptions = {
          maxLineWidth: given.max_line_width as number | undefined,
          maxLineCount: given.max_line_count as number | undefined,
          maxWordsPerLine: given.max_words_per_line as number | undefined,
          highlightWords: given.highlight_words as boolean | undefined,
        };
        const format = OPENAI_FORMATS.find((f) => f === extension);
        assert.ok(format, file);
        assert.is(
          write(transcript, format, options),
          readFileSync(join(folder, name, file), 'utf8'),
          `${name}/${file}`,
        );
      }
    });
  }
}

test('floats print as Python prints them', () => {
  const rows: [number, string][] = [
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-2.5, '-2.5'],
    [0.1 + 0.2, '0.30000000000000004'],
    [1e-4, '0.0001'],
    [1e-5, '1e-05'],
    [-1.5e-7, '-1.5e-07'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [1e22, '1e+22'],
    [5e-324, '5e-324'],
    [Math.fround(0.1), '0.10000000149011612'],
    [Number.NaN, 'NaN'],
    [-Infinity, '-Infinity'],
  ];
  for (const [x, text] of rows) assert.is(floatRepr(x), text);
});

test('strings are ASCII', () => {
  assert.is(jsonString(' é"\\\n\t\u0001😀\u2028\x7f'), '" \\u00e9\\"\\\\\\n\\t\\u0001\\ud83d\\ude00\\u2028\x7f"');
});

test('strip and round are those of Python', () => {
  assert.is(strip('\u0085\x1c a \ufeff\u3000'), 'a \ufeff');
  assert.equal([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(roundHalfEven), [0, 2, 2, -0, -2, 2, 3]);
});

test('times have hours when there are any, or always', () => {
  assert.is(formatTimestamp(0), '00:00.000');
  assert.is(formatTimestamp(3599.9996), '01:00:00.000');
  assert.is(formatTimestamp(61.5, true, ','), '00:01:01,500');
  assert.is(formatTimestamp(360000), '100:00:00.000');
});

test('a first segment that was emptied does not turn the others into words', () => {
  const transcript = { text: ' Hello', language: 'en', segments: [segment('', []), segment(' Hello')] };
  assert.is(write(transcript, 'vtt'), 'WEBVTT\n\n00:00.000 --> 00:02.000\n\n\n00:00.000 --> 00:02.000\nHello\n\n');
});

const spoken = [
  [' Good', 0.5, 0.804],
  [' "day",', 0.804, 1.2],
  [' all.', 61.996, 62.5],
].map(([word, start, end]): Word => ({ word: String(word), start: Number(start), end: Number(end), probability: 0.9 }));
const timed: Transcript = {
  text: ' Good "day", all. Ünd 3720 s',
  language: 'ht',
  segments: [
    { ...segment(' Good "day", all.', spoken), start: 0.5, end: 62.5, temperature: 0.2 },
    { ...segment(' Ünd\n3720 s', []), id: 1, seek: 6200, start: 3719.996, end: 3722 },
  ],
};

test('lrc: a line a segment, minutes beyond 59, rounding carried over', () => {
  const untimed = { ...timed, segments: timed.segments.map(({ words: _, ...rest }) => rest) };
  assert.is(write(untimed, 'lrc'), '[00:00.50]Good "day", all.\n[62:00.00]Ünd 3720 s\n');
  assert.is(write(timed, 'lrc', { maxWordsPerLine: 2 }), '[00:00.50]Good "day",\n[01:02.00]all.\n');
  const twoLines = '[00:00.50]Good "day",\n[01:02.00]all.\n';
  assert.is(write(timed, 'lrc', { maxLineWidth: 8, maxLineCount: 2 }), twoLines, 'a cue of two lines is one line');
});

test('lrc: each word has its time when words are highlighted', () => {
  const text = '[00:00.50]<00:00.50> Good <00:00.80> "day", <01:02.00> all. <01:02.50>\n';
  assert.is(write(timed, 'lrc', { highlightWords: true }), text);
});

test('csv: milliseconds, and quotes doubled', () => {
  const text = 'start,end,text\n500,62500,"Good ""day"", all."\n3719996,3722000,"Ünd\n3720 s"\n';
  assert.is(write(timed, 'csv'), text);
});

test("verbose_json has the fields of OpenAI's API", () => {
  const transcript: Transcript = { ...timed, task: 'translate', duration: 3723.5 };
  const json = JSON.parse(write(transcript, 'verbose_json'));
  assert.equal(Object.keys(json), ['task', 'language', 'duration', 'text', 'segments', 'words']);
  assert.equal([json.task, json.language, json.duration], ['translate', 'haitian creole', 3723.5]);
  assert.is(json.text, 'Good "day", all. Ünd 3720 s');
  assert.equal(json.segments[0], {
    id: 0,
    seek: 0,
    start: 0.5,
    end: 62.5,
    text: ' Good "day", all.',
    tokens: [50364, 50464],
    temperature: 0.2,
    avg_logprob: -0.5,
    compression_ratio: 1,
    no_speech_prob: 1e-5,
  });
  assert.equal(json.words, [
    { word: 'Good', start: 0.5, end: 0.804 },
    { word: '"day",', start: 0.804, end: 1.2 },
    { word: 'all.', start: 61.996, end: 62.5 },
  ]);
});

test('verbose_json of a transcript without words, without anything, in a language without a name', () => {
  const plain = { text: ' Hello', language: 'en', segments: [segment(' Hello')] };
  const json = JSON.parse(write(plain, 'verbose_json'));
  assert.equal([json.task, json.language, json.duration, 'words' in json], ['transcribe', 'english', 2, false]);
  assert.is(
    write({ text: '', language: 'xx', segments: [] }, 'verbose_json'),
    '{"task": "transcribe", "language": "xx", "duration": 0.0, "text": "", "segments": []}',
  );
});

test('file names: verbose_json stands beside json', () => {
  assert.equal(FORMATS.map(extensionOf), ['txt', 'vtt', 'srt', 'tsv', 'json', 'lrc', 'csv', 'verbose.json']);
});

test('layout of words without word times is refused', async () => {
  const transcript = { text: ' Hello', language: 'en', segments: [segment(' Hello')] };
  await throws(OptionsError, 'wordsNeeded', () => write(transcript, 'srt', { maxLineWidth: 20 }));
});

test('who speaks, in every format', () => {
  const said = (speaker: string, start: number, ...texts: string[]): Segment => ({
    ...segment(
      texts.join(''),
      texts.map((word, i) => ({ word, start: start + i, end: start + i + 1, probability: 0.5, speaker })),
    ),
    ...{ speaker, start, end: start + texts.length },
  });
  const segments = [said('Ada', 0, ' Good', ' morning.'), said('Bo <b> & "co"', 2, ' Hi --> you.')];
  const worded: Transcript = { text: ' Good morning. Hi --> you.', language: 'en', segments };
  const plain: Transcript = { ...worded, segments: segments.map(({ words: _, ...rest }) => rest) };
  const rows: [Transcript, (typeof FORMATS)[number], WrapOptions, string][] = [
    [plain, 'txt', {}, 'Ada: Good morning.\nBo <b> & "co": Hi --> you.\n'],
    [
      plain,
      'srt',
      {},
      '1\n00:00:00,000 --> 00:00:02,000\nAda: Good morning.\n\n' +
        '2\n00:00:02,000 --> 00:00:03,000\nBo <b> & "co": Hi -> you.\n\n',
    ],
    [
      plain,
      'vtt',
      {},
      'WEBVTT\n\n00:00.000 --> 00:02.000\n<v Ada>Good morning.\n\n' +
        '00:02.000 --> 00:03.000\n<v Bo &lt;b&gt; &amp; "co">Hi -> you.\n\n',
    ],
    [
      plain,
      'tsv',
      {},
      'start\tend\tspeaker\ttext\n0\t2000\tAda\tGood morning.\n2000\t3000\tBo <b> & "co"\tHi --> you.\n',
    ],
    [
      plain,
      'csv',
      {},
      'start,end,speaker,text\n0,2000,"Ada","Good morning."\n2000,3000,"Bo <b> & ""co""","Hi --> you."\n',
    ],
    [plain, 'lrc', {}, '[00:00.00]Ada: Good morning.\n[00:02.00]Bo <b> & "co": Hi -> you.\n'],
    [
      worded,
      'lrc',
      { highlightWords: true },
      '[00:00.00]Ada: <00:00.00> Good <00:01.00> morning. <00:02.00>\n' +
        '[00:02.00]Bo <b> & "co": <00:02.00> Hi --> you. <00:03.00>\n',
    ],
    // The name is a part of the line, and cues of several lines end where somebody else begins.
    [
      worded,
      'srt',
      { maxLineWidth: 10, maxLineCount: 3 },
      '1\n00:00:00,000 --> 00:00:02,000\nAda: Good\nmorning.\n\n' +
        '2\n00:00:02,000 --> 00:00:03,000\nBo <b> & "co": Hi --> you.\n\n',
    ],
    [
      worded,
      'vtt',
      { maxWordsPerLine: 1 },
      'WEBVTT\n\n00:00.000 --> 00:01.000\n<v Ada>Good\n\n00:01.000 --> 00:02.000\n<v Ada>morning.\n\n' +
        '00:02.000 --> 00:03.000\n<v Bo &lt;b&gt; &amp; "co">Hi --> you.\n\n',
    ],
  ];
  for (const [transcript, format, options, wanted] of rows) {
    assert.is(write(transcript, format, options), wanted, `${format} ${JSON.stringify(options)}`);
  }
  for (const format of ['json', 'verbose_json'] as const) {
    const { segments: written, words } = JSON.parse(write(worded, format));
    assert.equal(
      written.map(({ speaker }: Segment) => speaker),
      ['Ada', 'Bo <b> & "co"'],
    );
    const all: readonly Word[] = words ?? written.flatMap((one: Segment) => one.words);
    assert.equal(
      all.map(({ speaker }) => speaker),
      ['Ada', 'Ada', 'Bo <b> & "co"'],
      format,
    );
  }
});

test.run();
