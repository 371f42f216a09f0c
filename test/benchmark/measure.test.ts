/** The order of measurements, and rows from them, by a script. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Measured, measureInTurn } from '../../src/benchmark/measure.ts';
import type { BenchConfiguration } from '../../src/benchmark/report.ts';
import { samples } from '../support/benchReports.ts';

const test = suite('benchmark/measure');

const of = (model: string, dtype = 'f32'): BenchConfiguration => ({
  model,
  device: 'cpu',
  dtype,
  threads: 1,
  batch: 1,
});

function measured(text: string, ms = 100): Measured {
  const rest = { description: 'a device', isSoftware: false, device: 'cpu', threads: 1, weightBytes: 1, seconds: 11 };
  return { sample: samples(ms)[0]!, text, ...rest };
}

test('rows take turns, in one direction and then in the other', async () => {
  const order: string[] = [];
  const configurations = [of('a'), of('b'), of('c')];
  const { rows } = await measureInTurn(configurations, 3, async ({ model }, run) => {
    order.push(`${model}${run}`);
    return measured('x', 100 + run);
  });
  assert.is(order.join(' '), 'a0 b0 c0 c1 b1 a1 a2 b2 c2');
  assert.equal(
    rows.map((row) => [row.model, ...row.samples.map(({ laterRunMs }) => laterRunMs)]),
    [
      ['a', 100, 101, 102],
      ['b', 100, 101, 102],
      ['c', 100, 101, 102],
    ],
  );
});

test('one that fails is left out from there on, with its reason; the others go on', async () => {
  const order: string[] = [];
  const result = await measureInTurn([of('a'), of('b')], 3, async ({ model }, run) => {
    order.push(`${model}${run}`);
    return model === 'a' && run === 1 ? { code: 'outOfMemory', message: 'No room.' } : measured('x');
  });
  assert.is(order.join(' '), 'a0 b0 b1 a1 b2');
  assert.equal(
    result.rows.map(({ model }) => model),
    ['b'],
  );
  assert.equal(result.failures, [{ ...of('a'), code: 'outOfMemory', message: 'No room.' }]);
});

test('an error that is thrown ends all', async () => {
  let count = 0;
  const stopped = measureInTurn([of('a'), of('b')], 3, async () => {
    count++;
    throw new Error('stop');
  });
  await stopped.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'stop'),
  );
  assert.is(count, 1);
});

test('words are held against the transcript and against the first row of the same model, in every run', async () => {
  const texts: Readonly<Record<string, readonly string[]>> = {
    'a f32': ['one two three', 'one two three'],
    'a int8': ['one two three', 'One two, free three!'],
    'b f32': ['one', 'one'],
  };
  const configurations = [of('a'), of('a', 'int8'), of('b')];
  const { rows } = await measureInTurn(
    configurations,
    2,
    async ({ model, dtype }, run) => measured(texts[`${model} ${dtype}`]![run]!),
    'one two three four',
  );
  assert.equal(
    rows.map(({ wordErrors, differingWords }) => [wordErrors, differingWords]),
    [
      [{ words: 4, errors: 1 }, 0],
      [{ words: 4, errors: 1 }, 1],
      [{ words: 4, errors: 3 }, 0],
    ],
  );
  const [row] = (await measureInTurn([of('a')], 1, async () => measured('x'))).rows;
  assert.is(row!.wordErrors, null);
});

test.run();
