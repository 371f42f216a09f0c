/** Which variants code is made for: by ranges of live rows, or for all rows alone. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defineKernel } from '../../src/engine/kernel.ts';
import { type Command, type RecordOptions, record, type Tensor } from '../../src/engine/program.ts';
import { forRows, selectVariants } from '../../src/engine/selectVariant.ts';
import type { Variant } from '../../src/engine/variant.ts';

const test = suite('selection of variants');

const copy = defineKernel({
  name: 'copy',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows'] },
  },
  params: {},
  cost: () => ({ flops: 1, bytes: 1 }),
  variants: {},
});
const variants: readonly Variant[] = [{ name: 'few', rows: { max: 4 } }, { name: 'many' }];
const loaded = { kind: { place: 'here', sourceOf: () => variants }, variants: new Map([[copy, variants]]) };

function commandOf(rows: number, options?: RecordOptions): Command {
  const x: Tensor = { name: 'x', dtype: 'f32', shape: [rows], lifetime: 'state' };
  const [command] = record('copy', (p) => p.run(copy, { x, y: { ...x, name: 'y' } }), options).commands;
  return command!;
}

const namesOf = (command: Command): readonly string[] =>
  selectVariants(command, loaded).map(({ variant, upTo }) => `${variant.name} to ${upTo}`);

test('one for each range of rows, or for all of them alone', () => {
  assert.equal(namesOf(commandOf(100)), ['few to 4', 'many to 100']);
  assert.equal(namesOf(commandOf(3)), ['few to 3']);
  assert.equal(namesOf(commandOf(100, { allRows: true })), ['many to 100']);
  assert.equal(namesOf(commandOf(3, { allRows: true })), ['few to 3']);
});

test('what runs with all rows has nothing for fewer', () => {
  const some = selectVariants(commandOf(100), loaded);
  assert.equal(
    [0, 1, 4, 5, 100, 101].map((rows) => forRows(some, rows)?.variant.name),
    ['few', 'few', 'few', 'many', 'many', undefined],
  );
  const all = selectVariants(commandOf(100, { allRows: true }), loaded);
  assert.equal(
    [0, 1, 99, 100].map((rows) => forRows(all, rows)?.variant.name),
    [undefined, undefined, undefined, 'many'],
  );
});

test('what never runs with many rows has nothing for many', () => {
  assert.equal(namesOf(commandOf(100, { maxRows: 4 })), ['few to 4']);
  assert.equal(namesOf(commandOf(100, { maxRows: 7 })), ['few to 4', 'many to 7']);
  assert.equal(namesOf(commandOf(3, { maxRows: 7 })), ['few to 3']);
  const few = selectVariants(commandOf(100, { maxRows: 4 }), loaded);
  assert.equal(
    [1, 4, 5].map((rows) => forRows(few, rows)?.variant.name),
    ['few', 'few', undefined],
  );
  // Sums may be cut by what a command could have.
  assert.equal(few[0]?.context.sumsAs, 100);
});

test.run();
