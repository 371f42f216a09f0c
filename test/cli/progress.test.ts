/** The progress line on a terminal, and plain lines in a pipe. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ProgressDisplay } from '../../src/cli/progress.ts';

const test = suite('cli/progress');

function screen(isTTY: boolean, columns = 120) {
  const text: string[] = [];
  let now = 0;
  const display = new ProgressDisplay({ isTTY, columns, write: (piece) => text.push(piece) }, () => now);
  return {
    text,
    display,
    pass(ms: number) {
      now += ms;
    },
  };
}
const at = (done: number) => ({ stage: 'transcribe', done, total: 60, unit: 'seconds', item: 'a.wav' }) as const;

test('a pipe gets a line when a stage begins and one when it has ended', () => {
  const { text, display } = screen(false);
  for (const done of [0, 20, 40, 60, 60]) display.show(at(done));
  display.line('warning');
  assert.equal(text, ['transcribing a.wav\n', 'transcribing a.wav: done, 60.0 s\n', 'warning\n']);
});

test('a terminal gets one line, drawn again', () => {
  const { text, display, pass } = screen(true);
  display.show(at(0));
  display.show(at(15)); // too soon
  pass(100);
  display.show(at(30));
  display.line('warning');
  display.show(at(60));
  assert.equal(text, [
    `\r\x1b[K${'░'.repeat(24)}   0 %  transcribing a.wav  0.0 s of 60.0 s`,
    `\r\x1b[K${'█'.repeat(12)}${'░'.repeat(12)}  50 %  transcribing a.wav  30.0 s of 60.0 s`,
    '\r\x1b[K',
    'warning\n',
    `\r\x1b[K${'█'.repeat(24)} 100 %  transcribing a.wav  60.0 s of 60.0 s`,
  ]);
});

test('the line never wraps', () => {
  const { text, display } = screen(true, 40);
  display.show({ ...at(30), item: 'a very long name of a recording.wav' });
  assert.is([...text.join('').replace('\r\x1b[K', '')].length, 39);
});

test('nothing to do is done', () => {
  const { text, display } = screen(true);
  display.show({ stage: 'fetch', done: 0, total: 0, unit: 'bytes' });
  assert.match(text.join(''), '100 %  fetching  0 kB of 0 kB');
});

test.run();
