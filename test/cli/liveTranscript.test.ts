import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LiveTranscript } from '../../src/cli/liveTranscript.ts';
import type { Word } from '../../src/transcribe/transcript.ts';
import { segmentOf } from '../support/segments.ts';

const test = suite('cli/liveTranscript');

const word = (text: string, start: number): Word => ({ word: text, start, end: start + 0.5, probability: 0.5 });
const words = [word(' And', 0), word(' so.', 0.5), word(' Ask', 2), word(' not', 2.5)];
const segment = segmentOf(' And so.', { end: 1, words: words.slice(0, 2) });

function gathered(): LiveTranscript {
  const transcript = new LiveTranscript();
  transcript.add({ stable: ' And so.', partial: ' Ask', words: words.slice(0, 2), segments: [], heard: 2 });
  transcript.add({ stable: ' Ask', partial: '', words: words.slice(2, 3), segments: [segment], heard: 3 });
  return transcript;
}

test('words that no segment has yet are one of their own when it is stopped', () => {
  const transcript = gathered();
  transcript.add({ stable: ' not', partial: ' what', words: words.slice(3), segments: [], heard: 4 });
  const whole = transcript.finish({ language: 'en', task: 'transcribe' }, true);
  assert.is(whole.text, ' And so. Ask not');
  assert.equal([whole.language, whole.task, whole.duration], ['en', 'transcribe', 4]);
  assert.is(whole.segments[0], segment);
  const last = whole.segments[1]!;
  assert.equal([last.id, last.start, last.end, last.text, last.words], [1, 2, 3, ' Ask not', words.slice(2)]);
  assert.ok(Math.abs(last.avgLogprob - Math.log(0.5)) < 1e-12);
});

test('without word times the segments have none', () => {
  const whole = gathered().finish({ language: 'en' }, false);
  assert.equal(
    whole.segments.map((given) => 'words' in given),
    [false, false],
  );
});

test('nothing heard is an empty transcript', () => {
  const { text, segments } = new LiveTranscript().finish({ language: 'en' }, true);
  assert.equal([text, segments], ['', []]);
});

test.run();
