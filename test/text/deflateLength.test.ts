import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deflateLength } from '../../src/text/deflateLength.ts';

const test = suite('deflateLength');
const utf8 = new TextEncoder();

/** Lengths that Python's zlib.compress gives (zlib 1.2.13, default level); same texts as `sample(i)`, seed 11. */
const lengths = `
  8 10 14 41 26 214 108 82 138 247 8 10 58 21 19 42 90 22 123 5417 8 12 13 24 15 54 632 163 115 240 8 24 13 68
  24 14 96 120 36 394 8 11 14 16 20 16 79 1417 137 103 8 10 23 16 108 33 109 158 239 42 8 38 20 24 24 14 22 163
  3037 179 8 11 19 14 16 236 98 163 178 370 8 15 66 19 27 33 81 28 177 2385 8 11 16 23 48 36 748 143 247 375 8
  19 16 70 20 36 105 116 67 369 8 11 18 16 32 51 56 1505 162 161 8 10 13 18 101 43 99 105 189 33 8 45 14 20 19
  47 36 102 2368 355 8 9 14 40 22 251 107 166 120 161 8 12 73 16 27 44 74 41 246 5451 8 12 15 19 38 45 640 68
  133 282 8 18 15 92 33 34 100 106 43 387 8 10 22 17 21 15 94 1334 245 100 8 11 28 17 113 45 96 87 246 59
`
  .trim()
  .split(/\s+/)
  .map(Number);

let state = 11;
function random(n: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) % n;
}
const words =
  'the of and to in a is that country ask not what you can do for your fellow Americans 日本語 Straße été , . ? ! 12 3,5 %'.split(
    ' ',
  );
function list(n: number, word: (i: number) => string): string[] {
  return Array.from({ length: n }, (_, i) => word(i));
}
function sample(i: number): string {
  const n = [0, 1, 2, 3, 5, 10, 30, 60, 120, 223][i % 10]!;
  const variety = 1 + random(words.length);
  if (i % 7 === 3) {
    const phrase = list(1 + random(12), () => words[random(variety)]!);
    return list(n * 3, (j) => phrase[j % phrase.length]!).join(' ');
  }
  if (i % 7 === 5) return list(n * 40, () => String.fromCharCode(97 + random(variety))).join('');
  return list(n, () => words[random(variety)]!).join(' ');
}

test('as stock zlib, on words, loops and letters', () => {
  lengths.forEach((length, i) => {
    const text = sample(i);
    assert.is(deflateLength(utf8.encode(text)), length, `sample ${i} of seed 11: ${text.slice(0, 60)}`);
  });
});

test('as stock zlib, on texts of known length', () => {
  const table: [string, number][] = [
    ['', 8],
    ['a', 9],
    ['aaaaaaaaaa', 11],
    ['And so my fellow Americans ask not what your country can do for you, ask what you can do for your country.', 79],
  ];
  for (const [text, length] of table) assert.is(deflateLength(utf8.encode(text)), length, text);
});

test('as stock zlib, on code lengths beyond 15 bits and several blocks', () => {
  // Fibonacci frequencies give the deepest trees; 30 000 distinct neighbours give two blocks of literals.
  const skewed: number[] = [];
  let [a, b] = [1, 1];
  for (let symbol = 0; symbol < 20; symbol++) {
    for (let i = 0; i < a; i++) skewed.push(symbol * 7 + ((i * 5) & 1));
    [a, b] = [b, a + b];
  }
  for (let i = skewed.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [skewed[i], skewed[j]] = [skewed[j]!, skewed[i]!];
  }
  assert.is(deflateLength(Uint8Array.from(skewed)), 9401);
  const noise = Uint8Array.from({ length: 30_000 }, () => random(200));
  assert.is(deflateLength(noise), 28935);
});

test.run();
