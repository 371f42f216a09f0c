/** The documents as pages: every link leads somewhere, and code is cut out of the sources where it begins and ends. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildDocs } from '../../packaging/docs/docsFiles.ts';
import { excerpt } from '../../packaging/docs/excerpt.ts';
import { inFolder } from '../support/folder.ts';

const test = suite('documents as pages');

const SOURCE = `/** Of the file. */
import { a } from './a.ts';

/** How many. */
export const count = 3;

const text = (n: number): string => \`
fn main() { // }
  \${[n].map((i) => \`{ \${i} \`)}
}\`;

export function f({ x }: { readonly x: string }): { readonly y: number } {
  return { y: "}".length };
}

export const list = [
  { name: 'first', run: () => '}' },
  {
    // What it is for.
    name: 'second',
    run: () => ({
      a: \`
fn main() {
  return;
}\`,
    }),
  },
];
`;

for (const [name, wanted] of [
  ['count', '/** How many. */\nexport const count = 3;'],
  ['text', SOURCE.slice(SOURCE.indexOf('const text'), SOURCE.indexOf('export function') - 2)],
  ['f', SOURCE.slice(SOURCE.indexOf('export function'), SOURCE.indexOf('export const list') - 2)],
  ['first', "{ name: 'first', run: () => '}' }"],
  [
    'second',
    "{\n  // What it is for.\n  name: 'second',\n  run: () => ({\n    a: `\nfn main() {\n  return;\n}`,\n  }),\n}",
  ],
] as const) {
  test(`a part of a source: ${name}`, () => assert.is(excerpt(SOURCE, name), wanted));
}

test('a part that is not there is an error', () => {
  assert.throws(() => excerpt(SOURCE, 'third'), 'there is no third');
});

test('every link of every page leads somewhere, and each page has one title', async () => {
  await inFolder(async (folder) => {
    const files = await buildDocs(folder);
    const pages = files.filter((name) => name.endsWith('.html'));
    assert.ok(pages.length > 20 && pages.includes('index.html') && pages.includes('kernels/norm.html'));
    const texts = new Map(pages.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
    const dead: string[] = [];
    for (const [name, text] of texts) {
      for (const [, link = ''] of text.matchAll(/(?:href|src)="([^"]*)"/g)) {
        if (/^(https?|mailto):/.test(link)) continue;
        const [path = '', id] = link.split('#');
        const file = path === '' ? name : join(dirname(name), path);
        if (!existsSync(join(folder, file))) dead.push(`${name}: ${link}`);
        else if (id && !texts.get(file)?.includes(`id="${id}"`)) dead.push(`${name}: ${link}`);
      }
      const titles = [...text.matchAll(/<h1\b/g)].length;
      if (titles !== 1) dead.push(`${name}: ${titles} titles`);
    }
    assert.equal(dead, []);
    const norm = texts.get('kernels/norm.html') ?? '';
    assert.match(norm, '@compute @workgroup_size(128)');
    assert.match(norm, 'array&lt;f32, 576000&gt;', 'sizes of the case are filled in');
  });
});

test.run();
