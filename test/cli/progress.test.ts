/** The progress line on a terminal, and plain lines in a pipe. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Progress } from '../../src/base/progress.ts';
import { ProgressDisplay } from '../../src/cli/progress.ts';
import { fitting, shortenedTo, textWidth } from '../../src/cli/textWidth.ts';

const test = suite('cli/progress');

function screen(isTTY: boolean, columns = 120) {
  const text: string[] = [];
  let now = 0;
  const display = new ProgressDisplay({ isTTY, columns, write: (piece) => text.push(piece) }, { now: () => now });
  return {
    text,
    display,
    /** What stands on the terminal. */
    line: () => text.at(-1)!.replace('\r\x1b[K', ''),
    pass(ms: number) {
      now += ms;
    },
  };
}
const at = (done: number, total = 50, reached?: number): Progress => ({
  stage: 'transcribe',
  done,
  total,
  unit: 'seconds',
  item: 'a.wav',
  ...(reached !== undefined && { reached }),
});

test('a pipe gets a line when a stage begins and one when it has ended', () => {
  const { text, display, pass } = screen(false);
  for (const done of [0, 20, 40, 50, 50]) {
    display.show(at(done));
    pass(400);
  }
  display.line('warning');
  assert.equal(text, ['transcribing a.wav\n', 'transcribing a.wav: done, 50.0 s in 2 s, 42x\n', 'warning\n']);
});

test('a pipe gets a line a minute at most, and few in many hours', () => {
  const { text, display, pass } = screen(false);
  const hours = 10 * 3600;
  for (let done = 0; done <= hours; done += 5) {
    display.show(at(done, hours));
    pass(1000);
  }
  assert.is(text.length, 1 + 19 + 1);
  assert.is(text[1], 'transcribing a.wav: 5 %, 30:00 of 10:00:00, 114 h left\n'.replace('114 h', '1 h 54 min'));
  assert.is(text.at(-1), 'transcribing a.wav: done, 10:00:00 in 2 h 0 min, 5.0x\n');
});

test('recordings of a batch take turns, with a line each', () => {
  const { text, display } = screen(false);
  for (const done of [0, 10, 50]) for (const item of ['a', 'b']) display.show({ ...at(done), item });
  assert.equal(text, [
    'transcribing a\n',
    'transcribing b\n',
    'transcribing a: done, 50.0 s\n',
    'transcribing b: done, 50.0 s\n',
  ]);
});

test('a terminal gets one line, drawn again', () => {
  const { text, display, pass } = screen(true);
  display.show(at(0));
  display.show(at(15)); // too soon
  pass(100);
  display.show(at(25));
  display.line('warning');
  display.show(at(50));
  assert.equal(text, [
    `\r\x1b[K${'░'.repeat(24)}   0 %  transcribing a.wav  0.0 s of 50.0 s`,
    `\r\x1b[K${'█'.repeat(12)}${'░'.repeat(12)}  50 %  transcribing a.wav  25.0 s of 50.0 s`,
    '\r\x1b[K',
    'warning\n',
    `\r\x1b[K${'█'.repeat(24)} 100 %  transcribing a.wav  50.0 s of 50.0 s`,
  ]);
});

test('it moves within a window, never back, and tells speed and time left once they are known', () => {
  const { display, pass, line } = screen(true);
  const shown: string[] = [];
  const show = (progress: Progress): void => {
    display.show(progress);
    shown.push(line());
    pass(2000);
  };
  show(at(0, 600));
  show(at(0, 600, 15));
  show(at(0, 600, 27));
  show(at(24, 600, 24));
  show(at(24, 600, 40));
  assert.equal(
    shown.map((text) => text.slice(26)),
    [
      '  0 %  transcribing a.wav  0:00 of 10:00',
      '  2 %  transcribing a.wav  0:15 of 10:00',
      '  4 %  transcribing a.wav  0:27 of 10:00, 6.8x, 85 s left',
      '  4 %  transcribing a.wav  0:27 of 10:00, 4.5x, 2 min left',
      '  6 %  transcribing a.wav  0:40 of 10:00, 5.0x, 2 min left',
    ].map((text) => text.slice(1)),
  );
});

test('it is not at its end before it is done', () => {
  const { display, pass, line } = screen(true);
  display.show(at(20, 50, 50));
  assert.match(line(), ' 99 %  transcribing a.wav  50.0 s of 50.0 s');
  pass(100);
  display.show(at(50));
  assert.match(line(), ' 100 %  transcribing a.wav  50.0 s of 50.0 s');
});

test('of a model no names of tensors, of a fetch its speed', () => {
  const { display, pass, line } = screen(true);
  display.show({ stage: 'load', done: 3, total: 167, unit: 'tensors', item: 'encoder.blocks.0.attn.query.weight' });
  assert.is(line(), `${'░'.repeat(24)}   1 %  loading the model`);
  display.show({ stage: 'fetch', done: 0, total: 151e6, unit: 'bytes', item: 'model.safetensors' });
  pass(5000);
  display.show({ stage: 'fetch', done: 50e6, total: 151e6, unit: 'bytes', item: 'tokenizer.json' });
  assert.match(line(), '  33 %  fetching the model  50.0 MB of 151.0 MB, 10.0 MB/s, 11 s left');
});

test('the line never wraps, and nothing in it is cut but the name', () => {
  const names = ['a very long name of a recording.wav', '会議の録音テープの二本目.mp3', 'x'];
  for (const item of names) {
    for (let columns = 1; columns < 140; columns++) {
      const { display, pass, line } = screen(true, columns);
      display.show({ ...at(0, 4000), item });
      pass(10_000);
      display.show({ ...at(1500, 4000), item });
      const text = line();
      assert.ok(textWidth(text) < Math.max(2, columns), `${columns}: "${text}"`);
      const rest = text.replace(/^[█░]+ /, '');
      const whole = /^( 37 %( {2}transcribing( \S.*?)?( {2}25:00 of 1:06:40)?(, 150x)?(, | {2})?(17 s left)?)?)?$/;
      assert.match(rest, whole, `${columns}`);
      if (columns >= 118) assert.match(rest, `transcribing ${item}  25:00 of 1:06:40, 150x, 17 s left`);
      if (columns >= 32) assert.match(rest, '17 s left');
    }
  }
});

test('before there is progress a terminal says what is waited for, a pipe nothing', () => {
  const { text, display } = screen(true, 30);
  display.wait('looking for the model large-v3-turbo');
  display.show(at(0));
  assert.equal(text, ['looking for th…large-v3-turbo', '\r\x1b[K  0 %  transcribing a.wav']);
  const pipe = screen(false);
  pipe.display.wait('looking');
  assert.equal(pipe.text, []);
});

test('who asked for quiet is told warnings alone', () => {
  const text: string[] = [];
  const display = new ProgressDisplay({ isTTY: true, write: (piece) => text.push(piece) }, { isQuiet: true });
  display.wait('looking');
  display.show(at(0));
  display.line('tiny on cpu');
  display.note('a\tb');
  assert.equal(text, ['sotto: a\\tb\n']);
});

test('names are printed as they can be', () => {
  const { display, line } = screen(true);
  display.show({ ...at(0), item: 'a\nb\x1b[2J.wav' });
  assert.match(line(), 'transcribing a\\nb\\x1b[2J.wav  ');
  assert.is(shortenedTo('abcdefghij', 7), 'abc…hij');
  assert.is(shortenedTo('abcdefghij', 10), 'abcdefghij');
  assert.is(textWidth('e\u0301語👍'), 5);
  assert.equal(fitting([...'語語'], 3), ['語']);
});

test('nothing to do is done', () => {
  const { text, display } = screen(true);
  display.show({ stage: 'fetch', done: 0, total: 0, unit: 'bytes' });
  assert.match(text.join(''), '100 %  fetching the model  0 kB of 0 kB');
});

test.run();
