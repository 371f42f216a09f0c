/** What a table changes, and what it cannot: where it was measured, among variants as they were, with rows that are to be alike. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CORE_GPU } from '../../src/engine/wgsl/features.ts';
import type { Prefers } from '../../src/engine/wgsl/tuning.ts';
import { choiceKey, fingerprint, rowRanges } from '../../src/tuning/choiceKey.ts';
import { preferencesOf } from '../../src/tuning/prefer.ts';
import type { MeasuredUse, RangeChoice, TuningTable } from '../../src/tuning/table.ts';
import { choices, copyCommand, copyModule, VARIANTS, variant } from '../support/tunedCopy.ts';

const test = suite('tuning/prefer');
const module = copyModule();
const command = copyCommand(module, 100);

function tableOf(
  ranges: readonly (readonly [upTo: number | undefined, variant?: string | undefined])[],
  more: Partial<MeasuredUse> = {},
): TuningTable {
  const choice = ([upTo, variant]: readonly [number | undefined, (string | undefined)?]): RangeChoice => {
    return { ...(upTo && { upTo }), ...(variant && { variant }), rule: 'few', points: [] };
  };
  const use = { variants: fingerprint(command, VARIANTS, CORE_GPU), wrong: [], ranges: ranges.map(choice), ...more };
  const adapter = { runtime: 'dawn', vendor: '', architecture: '', device: '', description: '', backend: '' };
  return { adapter, madeBy: '0', date: '', uses: new Map([[choiceKey(command), use]]) };
}
let stale = 0;
const prefersOf = (...given: Parameters<typeof tableOf>): Prefers =>
  preferencesOf(tableOf(...given), CORE_GPU, () => stale++);

test('what won runs in its range, rules of thumb elsewhere', () => {
  assert.is(choices(module, command), 'few to 8, many to 100');
  assert.is(choices(module, command, prefersOf([[8, 'any']])), 'any to 8, many to 100');
  assert.is(choices(module, command, prefersOf([[8], [64], [undefined, 'any']])), 'few to 8, any to 100');
  assert.is(choices(module, command, prefersOf([[8, 'any'], [64], [undefined]])), 'any to 8, many to 100');
  assert.is(choices(module, command, prefersOf([[undefined, 'any']])), 'any to 100');
  // Of other sizes nothing is known.
  const wider = { ...command, dims: { ...command.dims, n: 4 } };
  assert.is(choices(module, wider, prefersOf([[undefined, 'any']])), 'few to 8, many to 100');
});

test('a name that there is not, that does not fit or that was wrong changes nothing', () => {
  for (const name of ['none', '', '__proto__', 'many'])
    assert.is(choices(module, command, prefersOf([[8, name]])), 'few to 8, many to 100', name);
  assert.is(choices(module, command, prefersOf([[8, 'any']], { wrong: ['any'] })), 'few to 8, many to 100');
});

test('other variants, or other code, are not what was measured: told once', () => {
  for (const [i, changed] of [
    [...VARIANTS, variant('new')],
    VARIANTS.slice(1),
    VARIANTS.with(2, variant('any', { wgsl: () => '// faster' })),
    VARIANTS.with(2, variant('any', { groups: () => [7, 1, 1] })),
  ].entries()) {
    stale = 0;
    const other = copyModule(changed);
    const table = tableOf([[undefined, 'any']]);
    const prefers = preferencesOf(table, CORE_GPU, () => stale++);
    const own = copyCommand(other, 100);
    assert.is(choices(other, own, prefers), choices(other, own), String(i));
    choices(other, own, prefers);
    assert.is(stale, 1, String(i));
  }
});

test('a variant that is forced by name is no sign of another version', () => {
  stale = 0;
  const prefers = prefersOf([[undefined, 'any']]);
  assert.is(choices(module, { ...command, variant: 'many' }, prefers), 'many to 100');
  assert.is(stale, 0);
});

/** A table of every combination of choices. */
function* allTables(): Generator<Prefers> {
  const names = [undefined, 'few', 'many', 'any'];
  for (const a of names)
    for (const b of names)
      for (const c of names)
        yield prefersOf([
          [8, a],
          [64, b],
          [undefined, c],
        ]);
}

test('rows that are to have the sums of fewer rows run what those run, whatever the table says', () => {
  const runs = (prefers: Prefers, rows: number, live: number, sumsAs?: number): string => {
    const text = choices(module, copyCommand(module, rows, sumsAs === undefined ? {} : { sumsAs }), prefers);
    return text
      .split(', ')
      .find((each) => live <= Number(each.split(' to ')[1]))!
      .split(' ')[0]!;
  };
  let tables = 0;
  for (const prefers of allTables()) {
    tables++;
    for (const own of [1, 5, 8, 16]) {
      const alone = runs(prefers, own, own);
      // In the same range of rows as alone, which is what the rules of thumb keep too.
      for (const rows of [own, 2 * own, 40, 100])
        for (let live = own; live <= rows; live += own)
          if (live <= 8 === own <= 8)
            assert.is(runs(prefers, rows, live, own), alone, `${own} of ${rows}, ${live} live`);
    }
  }
  assert.is(tables, 64);
});

test('of a kernel without ranges, all rows run what those run that theirs are to be alike', () => {
  const plain = copyModule([variant('first'), variant('second')]);
  const use = copyCommand(plain, 100);
  const uses = new Map([
    [
      choiceKey(use),
      {
        variants: fingerprint(use, plain.kernel.variants.webgpu as typeof VARIANTS, CORE_GPU),
        wrong: [],
        ranges: [
          { upTo: 8, variant: 'second', rule: 'first', points: [] },
          { rule: 'first', points: [] },
        ],
      },
    ],
  ]);
  const prefers = preferencesOf({ ...tableOf([]), uses }, CORE_GPU, () => {});
  assert.is(choices(plain, copyCommand(plain, 1), prefers), 'second to 1');
  assert.is(choices(plain, copyCommand(plain, 100, { sumsAs: 1 }), prefers), 'second to 100');
  assert.is(choices(plain, copyCommand(plain, 100), prefers), 'first to 100');
  // A short prompt is the beginning of a long one.
  assert.is(choices(plain, copyCommand(plain, 100, { maxRows: 4 }), prefers), 'first to 4');
  assert.is(choices(plain, copyCommand(plain, 5, { allRows: true }), prefers), 'second to 5');
});

test('a variant that does not take all rows of a range is chosen for none of them', () => {
  const narrow = copyModule([...VARIANTS, variant('narrow', { when: ({ dims }) => dims.rows! <= 4 })]);
  const use = copyCommand(narrow, 100);
  const variants = fingerprint(use, narrow.kernel.variants.webgpu as typeof VARIANTS, CORE_GPU);
  const uses = new Map([
    [choiceKey(use), { variants, wrong: [], ranges: [{ variant: 'narrow', rule: 'few', points: [] }] }],
  ]);
  const prefers = preferencesOf({ ...tableOf([]), uses }, CORE_GPU, () => {});
  for (const rows of [1, 4, 8, 100])
    assert.match(choices(narrow, copyCommand(narrow, rows, { sumsAs: 1 }), prefers), /^few to/, `${rows} rows`);
  // Where there is no other number of rows, there are no others that these are to be alike.
  assert.is(choices(narrow, copyCommand(narrow, 4, { allRows: true }), prefers), 'narrow to 4');
});

test('ranges are those of variants and of tables', () => {
  const ends = (most: number): readonly unknown[] =>
    rowRanges([variant('one', { rows: { max: 1 } }), variant('some', { rows: { min: 17 } })], most).map(
      ({ from, upTo }) => `${from}-${upTo ?? ''}`,
    );
  assert.equal(ends(1500), ['1-1', '2-8', '9-16', '17-64', '65-512', '513-']);
  assert.equal(ends(9), ['1-1', '2-8', '9-16']);
});

test.run();
