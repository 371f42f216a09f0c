/** What is seen of a stream: on pipes, on terminals, on one of each. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LivePrinter } from '../../src/cli/livePrinter.ts';

const test = suite('cli/livePrinter');

type Step = readonly [stable: string, partial: string];

/** Everything that is written, in order: stdout as it is, stderr in angle brackets. */
function printed(isTty: { readonly stdout: boolean; readonly stderr: boolean }, steps: readonly Step[], columns = 40) {
  const seen: string[] = [];
  const stdout = { isTTY: isTty.stdout, write: (text: string) => seen.push(text) };
  const stderr = { isTTY: isTty.stderr, columns, write: (text: string) => seen.push(`<${text}>`) };
  const printer = new LivePrinter(stdout, stderr);
  let time = 0;
  for (const [stable, partial] of steps) {
    const words = stable
      .split(/(?= )/)
      .filter(Boolean)
      .map((word) => {
        if (word === ' ~') time += 3;
        const start = time;
        time += 0.3;
        return { word, start, end: time, probability: 1 };
      })
      .filter(({ word }) => word !== ' ~');
    printer.show({ words, partial });
  }
  printer.end();
  return seen;
}

const steps: readonly Step[] = [
  ['', ' And so'],
  [' And so', ' my fell'],
  [' my fellows. Ask', ' not'],
  [' not.', ''],
];

test('in a pipe words come as soon as they are stable, a line a sentence, and nothing else', () => {
  const seen = printed({ stdout: false, stderr: false }, steps);
  assert.is(seen.join(''), 'And so my fellows.\nAsk not.\n');
  assert.equal(seen.slice(0, 2), ['And', ' so']);
});

test('a terminal on stderr alone shows what may change, and takes it away before anything else', () => {
  const seen = printed({ stdout: false, stderr: true }, steps.slice(0, 2));
  assert.equal(seen, [
    '<\x1b[2mAnd so\x1b[0m>',
    '<\r\x1b[K>',
    'And',
    ' so',
    '<\x1b[2mmy fell\x1b[0m>',
    '<\r\x1b[K>',
    '\n',
  ]);
});

test('on one terminal a line is printed when it is complete, and is seen until then', () => {
  const seen = printed({ stdout: true, stderr: true }, steps);
  assert.equal(seen, [
    '<\x1b[2mAnd so\x1b[0m>',
    '<\r\x1b[K>',
    '<And so\x1b[2m my fell\x1b[0m>',
    '<\r\x1b[K>',
    'And so my fellows.\n',
    '<Ask\x1b[2m not\x1b[0m>',
    '<\r\x1b[K>',
    '<Ask not.\x1b[2m\x1b[0m>',
    '<\r\x1b[K>',
    'Ask not.\n',
  ]);
});

test('a line that is longer than the terminal shows its end, wide characters counted twice', () => {
  const [first] = printed({ stdout: true, stderr: true }, [[' And so my fellow Americans', ' ask not']], 20);
  assert.is(first, '<w Americans\x1b[2m ask not\x1b[0m>');
  const [wide] = printed({ stdout: false, stderr: true }, [['', '一二三四五六七八九十一二']], 20);
  assert.is(wide, '<\x1b[2m四五六七八九十一二\x1b[0m>');
});

test('a long pause ends a line', () => {
  assert.is(printed({ stdout: false, stderr: false }, [[' one two ~ three', '']]).join(''), 'one two\nthree\n');
});

test('quotes and brackets behind a full stop belong to the sentence; other scripts end theirs', () => {
  const text = printed({ stdout: false, stderr: false }, [[' He said: "No." (Yes.) Then', '']]).join('');
  assert.is(text, 'He said: "No."\n(Yes.)\nThen\n');
  const seen = printed({ stdout: false, stderr: false }, [
    ['你好。', ''],
    ['再见', ''],
  ]);
  assert.is(seen.join(''), '你好。\n再见\n');
});

test('nothing said prints nothing', () => {
  assert.equal(printed({ stdout: true, stderr: true }, [['', '']]), []);
});

test.run();
