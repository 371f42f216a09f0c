/** The file of a table: the round trip, and whatever else may be in a file of that name. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readTable, TableFault, type TuningTable, tableText } from '../../src/tuning/table.ts';
import { reasonOf } from '../support/throws.ts';

const test = suite('tuning/table');

const table: TuningTable = {
  adapter: { runtime: 'dawn', vendor: 'v', architecture: 'a', device: 'd', description: 'a "GPU"', backend: '' },
  madeBy: '0.1.0',
  date: '2026-11-29T12:00:00.000Z',
  uses: new Map([
    [
      'matmul k=384',
      {
        variants: '00ff00ff00ff00ff',
        wrong: ['third'],
        ranges: [
          {
            upTo: 8,
            variant: 'second',
            rule: 'first',
            points: [
              {
                rows: 1,
                times: new Map([
                  ['first', { least: 2, quartile: 2.25, median: 2.5 }],
                  ['second', { least: 1, quartile: 1, median: 1 }],
                ]),
              },
            ],
          },
          { rule: 'first', points: [] },
        ],
      },
    ],
    ['layerNorm', { variants: '', wrong: [], ranges: [] }],
  ]),
};

test('what is written is read', () => {
  assert.equal(readTable(tableText(table)), table);
});

/** The text with one value of it changed. */
function changed(change: (json: Record<string, never>) => void): string {
  const json = JSON.parse(tableText(table)) as Record<string, never>;
  change(json);
  return JSON.stringify(json);
}

test('what is no table is told by its first fault', async () => {
  const range = (json: { uses: Record<string, { ranges: Record<string, unknown>[] }> }) =>
    json.uses['matmul k=384']!.ranges[0]!;
  const set = (name: string, value: unknown) =>
    changed((json) => Object.assign(range(json as never), { [name]: value }));
  const rows: readonly (readonly [text: string, fault: RegExp])[] = [
    ['', /not JSON/],
    ['{"format": "sotto kernel --tune", "ver', /not JSON/],
    [`${tableText(table).slice(0, -20)}`, /not JSON/],
    ['\0\0\0\0', /not JSON/],
    ['null', /not an object/],
    ['[]', /not an object/],
    ['7', /not an object/],
    ['{}', /no table/],
    ['{"format": "another"}', /no table/],
    [changed((json) => Object.assign(json, { version: 2 })), /another version/],
    [changed((json) => Object.assign(json, { version: '1' })), /another version/],
    [changed((json) => Object.assign(json, { adapter: null })), /adapter is not an object/],
    [changed((json) => Object.assign(json.adapter!, { vendor: 7 })), /adapter.vendor is not a short text/],
    [
      changed((json) => Object.assign(json.adapter!, { vendor: 'x'.repeat(1001) })),
      /adapter.vendor is not a short text/,
    ],
    [changed((json) => Object.assign(json, { uses: [] })), /uses is not an object/],
    [changed((json) => Object.assign(json, { uses: { a: null } })), /uses.a is not an object/],
    [
      changed((json) => Object.assign(json, { uses: { ['x'.repeat(1e5)]: 1 } })),
      /^is damaged: uses.x{50,95} is not an object$/,
    ],
    [changed((json) => Object.assign(json, { date: 1e300 })), /date/],
    [set('upTo', -1), /upTo is not a number/],
    [set('upTo', '8'), /upTo is not a number/],
    [set('upTo', null), /upTo is not a number/],
    [set('variant', null), /variant is not a short text/],
    [set('variant', { toString: 'few' }), /variant is not a short text/],
    [set('rule', undefined), /rule is not a short text/],
    [set('points', {}), /points is not a list/],
    [set('points', [null]), /points\[0\] is not an object/],
    [set('points', [{ rows: 1, times: { first: { least: 'NaN', median: 1 } } }]), /times.first.least is not a number/],
    [tableText(table).replace('"least": 2', '"least": 1e999'), /least is not a number/],
    [tableText(table).replace('"least": 2', '"least": NaN'), /not JSON/],
  ];
  for (const [text, fault] of rows) {
    const error = await reasonOf(() => readTable(text));
    assert.instance(error, TableFault, text.slice(0, 100));
    assert.match((error as Error).message, fault, text.slice(0, 100));
  }
});

test('names of objects are names', () => {
  const text = tableText(table).replace('"layerNorm"', '"__proto__"');
  assert.ok(readTable(text).uses.has('__proto__'));
});

test('a text of nothing but brackets is no fault of ours', async () => {
  assert.instance(await reasonOf(() => readTable('['.repeat(100_000))), TableFault);
});

test.run();
