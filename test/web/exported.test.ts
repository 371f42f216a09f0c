/** Exports: the command's bytes for what nobody edited; edited segments without the model's tokens. */
import { FORMATS, type Segment, type Transcript, write } from 'sotto/core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fileStem, toTranscript } from '../../web/page/editor/exported.ts';
import { setSpeaker, setText, splitAt } from '../../web/page/editor/segmentEdits.ts';
import { pageSegment } from '../../web/page/transcriptDocument.ts';

const test = suite('exports of the page');

const segment = (id: number, start: number, text: string, speaker?: string): Segment => ({
  id,
  seek: 100 * id,
  start,
  end: start + 2,
  text,
  tokens: [50364, 7, 50464],
  tokenLogprobs: [-0.1, -0.2, -0.3],
  temperature: 0.2,
  avgLogprob: -0.25,
  compressionRatio: 1.5,
  noSpeechProb: 0.01,
  ...(speaker !== undefined && { speaker }),
  words: [
    { word: ' Hello', start, end: start + 0.5, probability: 0.9, ...(speaker !== undefined && { speaker }) },
    {
      word: ' there.',
      start: start + 1,
      end: start + 1.5,
      probability: 0.4,
      ...(speaker !== undefined && { speaker }),
    },
  ],
});

const transcript: Transcript = {
  text: ' Hello there. Hello there.',
  language: 'en',
  task: 'transcribe',
  duration: 9.5,
  segments: [segment(0, 0, ' Hello there.'), segment(1, 3, ' Hello there.')],
};
const { segments: _, ...summary } = transcript;
const speaking = transcript.segments.map((one, i) => segment(i, one.start, one.text, i ? 'Bob' : 'Ada'));

for (const format of FORMATS) {
  test(`${format}: of an unedited document as of the transcript`, () => {
    for (const given of [transcript, { ...transcript, segments: speaking }]) {
      const document = given.segments.map(pageSegment);
      assert.is(write(toTranscript(document, 'en', summary), format), write(given, format));
      const wrapped = { maxLineWidth: 12, maxLineCount: 1, highlightWords: true };
      assert.is(write(toTranscript(document, 'en', summary), format, wrapped), write(given, format, wrapped));
    }
  });
}

test('an edited segment has its text and words, no tokens, and the others stay', () => {
  const document = setText(transcript.segments.map(pageSegment), 0, 'Hello where.');
  const { text, segments, duration } = toTranscript(document, 'en', summary);
  assert.is(text, ' Hello where. Hello there.');
  assert.is(duration, 9.5);
  assert.equal(segments[1], transcript.segments[1]);
  assert.equal(segments[0]?.tokens, []);
  assert.equal(
    segments[0]?.words?.map(({ word }) => word),
    [' Hello', ' where.'],
  );
});

test('after a split segments count from 0, and a speaker who was taken away is gone', () => {
  const document = splitAt(setSpeaker(speaking.map(pageSegment), 0, ''), 1, 6);
  const { segments } = toTranscript(document, 'en', summary);
  assert.equal(
    segments.map(({ id, speaker }) => `${id} ${speaker}`),
    ['0 undefined', '1 Bob', '2 Bob'],
  );
  assert.match(write({ ...summary, segments }, 'srt'), /Bob: Hello/);
});

test('what files are called', () => {
  for (const [name, stem] of [
    ['talk.wav', 'talk'],
    ['a.b.mp3', 'a.b'],
    ['.wav', '.wav'],
    ['no extension', 'no extension'],
    ['Recording 29.11.2026, 10:00:00', 'Recording 29.11.2026, 10-00-00'],
    ['Tab 11/29/2026', 'Tab 11-29-2026'],
  ] as const)
    assert.is(fileStem(name), stem);
});

test('segments made by hand', () => {
  const text = write(toTranscript([{ id: 7, start: 0, end: 1, text: ' Hi' }], 'de', undefined), 'verbose_json');
  const { language, segments } = JSON.parse(text) as { language: string; segments: { id: number }[] };
  assert.is(language, 'german');
  assert.is(segments[0]?.id, 0);
});

test.run();
