/** Which word is spoken at a time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { spotAt, spotsOf } from '../../web/page/editor/timeline.ts';
import { spoken } from './segments.ts';

const test = suite('timeline');

const segments = [spoken(0, 0, ' a b'), { id: 1, start: 3, end: 5, text: ' no words' }, spoken(2, 6, ' c')];

test('the word that is spoken, or the segment where it has no words', () => {
  const spots = spotsOf(segments);
  const named = (time: number): string => {
    const spot = spots[spotAt(spots, time)];
    return spot ? `${spot.segment}.${spot.word}` : 'none';
  };
  assert.equal([-1, 0, 0.49, 0.9, 1, 1.5, 2.5, 3, 4.9, 6, 6.4, 100].map(named), [
    'none',
    '0.0',
    '0.0',
    '0.0',
    '0.1',
    '0.1',
    'none',
    '1.-1',
    '1.-1',
    '2.0',
    '2.0',
    'none',
  ]);
  assert.is(spotAt([], 1), -1);
});

test('as a search from the front, with speakers who talk at once', () => {
  const spots = spotsOf([spoken(0, 0, ' a b c d'), { ...spoken(1, 0.75, ' e f g'), speaker: 'Ada' }]);
  for (let time = 0; time < 5; time += 0.01) {
    const wanted = spots.findLastIndex(({ start }) => start <= time);
    const found = spotAt(spots, time);
    assert.ok(found === wanted || (found === -1 && time > spots[wanted]!.end));
  }
});

test.run();
