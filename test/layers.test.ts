/**
 * Who may import whom: the table in `support/rooms.ts` lists every arrow between rooms and no other, and ARCHITECTURE.md
 * shows the same table.
 *
 *   node dist/test/layers.test.js --print   the rooms as floors, lowest first, with their arrows
 *   node dist/test/layers.test.js --write   writes the table into ARCHITECTURE.md
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { circles, importsOf, readImports } from './support/imports.ts';
import { repoRoot } from './support/paths.ts';
import { type Room, rooms } from './support/rooms.ts';

/** May import `node:`: what no page loads. */
const NODE_FILES =
  /^(src\/runtime\/(environment|ffmpeg|node|v8Flags|vulkan)|src\/load\.node|src\/tuning\/node|src\/devices\/wasm\/embedWorker|src\/(batch|cli|files|server)\/|weights\/)/;

/** Circles of files that are still to be broken up. */
const KNOWN_CIRCLES: readonly (readonly string[])[] = [];

const all = readImports('src', 'weights');
const edges = all.filter(({ to }) => /^(src|weights)\//.test(to));
const test = suite('layers');

test('the site is a client like any other, and in no circle with itself', () => {
  const site = readImports('web');
  assert.ok(site.length > 50);
  const allowed =
    /^(web\/|sotto(\/core|\/lab)?$|preact(\/hooks)?$|@preact\/signals$|wavesurfer\.js$|@codemirror\/\w+$|@lezer\/highlight$|mediabunny$)/;
  assert.equal(
    site.filter(({ to }) => !allowed.test(to)).map(({ from, to }) => `${from} -> ${to}`),
    [],
  );
  assert.equal(circles(site.filter(({ to }) => to.startsWith('web/'))), []);
});

test('an import is read as what it is', () => {
  const read = (text: string): string =>
    importsOf('src/audio/a.ts', text)
      .map(({ to, isType }) => `${isType ? 'type' : 'value'} ${to}`)
      .join(', ');
  const rows: readonly (readonly [text: string, wanted: string])[] = [
    ["import { a } from './b.ts';", 'value src/audio/b.ts'],
    ["import {\n  a,\n  type B,\n} from '../base/b.ts';", 'value src/base/b.ts'],
    ["import type { A } from '../../weights/b.ts';", 'type weights/b.ts'],
    ["import { type A } from './b.ts';", 'value src/audio/b.ts'],
    ["import * as b from './b.ts';", 'value src/audio/b.ts'],
    ["import b, { type C } from './b.ts';", 'value src/audio/b.ts'],
    ["import process from 'node:process';", 'value node:process'],
    ["import './b.ts';", 'value src/audio/b.ts'],
    ["export * from './b.ts';", 'value src/audio/b.ts'],
    ["export type { A } from './b.ts';", 'type src/audio/b.ts'],
    ["  const { a } = await import('./b.ts');", 'value src/audio/b.ts'],
    ["type A = import('./b.ts').A;", 'type src/audio/b.ts'],
    ["let a: typeof import('./b.ts');", 'type src/audio/b.ts'],
    ["import type { A } from './b.ts';\nimport { c } from './c.ts';", 'type src/audio/b.ts, value src/audio/c.ts'],
    [" *     import { load } from 'sotto';", ''],
    ["export const a = 'from';\nexport type B = 'c';", ''],
  ];
  for (const [text, wanted] of rows) assert.is(read(text), wanted, text);
  assert.ok(edges.length > 500, `${edges.length} imports`);
});

test('no arrow between rooms but the listed ones', () => {
  const listed = new Set(Object.entries(rooms).flatMap(([name, room]) => arrowsFrom(name, room)));
  assert.equal([...foundArrows()].filter((arrow) => !listed.has(arrow)).sort(), []);
});

test('no listed arrow that no file has', () => {
  const found = foundArrows();
  const listed = Object.entries(rooms).flatMap(([name, room]) => arrowsFrom(name, room));
  assert.equal(
    listed.filter((arrow) => !found.has(arrow)),
    [],
  );
});

test('every room imports only rooms below it', () => {
  floors();
});

test('a circle is found', () => {
  const of = (...arrows: readonly string[]): string[][] =>
    circles(arrows.map((arrow) => ({ from: arrow[0]!, to: arrow[1]!, isType: false })));
  assert.equal(of('ab', 'bc', 'ac', 'dc'), []);
  assert.equal(of('ab', 'bc', 'cd', 'db', 'de'), [['b', 'c', 'd']]);
  assert.equal(of('ab', 'ba', 'bc', 'cd', 'dc', 'ee'), [['a', 'b'], ['c', 'd'], ['e']]);
});

test('no circle of files, types included', () => {
  assert.equal(circles(edges), KNOWN_CIRCLES, 'a new circle, or one that is gone and must leave the list');
});

test('ARCHITECTURE.md shows this table', () => {
  const { shown } = splitArchitecture();
  assert.ok(shown === table(), 'the table in ARCHITECTURE.md is stale: node dist/test/layers.test.js --write');
});

test('devices do not know each other', () => {
  const device = (file: string): string | undefined => /^src\/devices\/(\w+)\//.exec(file)?.[1];
  const wrong = edges.filter(({ from, to }) => device(from) && device(to) && device(from) !== device(to));
  assert.equal(wrong, []);
});

test('the registry of kernels stays out of the model', () => {
  const wrong = edges.filter(
    ({ from, to }) => to === 'src/kernels/registry.ts' && !/^src\/(devices\/reference|lab|cli)/.test(from),
  );
  assert.equal(wrong, []);
});

test('node modules only where they belong', () => {
  const node = all.filter(({ to }) => to.startsWith('node:'));
  assert.ok(node.length > 20);
  const wrong = node.filter(({ from }) => !NODE_FILES.test(from)).map(({ from, to }) => `${from} -> ${to}`);
  assert.equal(wrong, []);
});

/** A room that the command loads with one of its words: its packages, and the files that load it. */
const LAZY_ROOMS: readonly { readonly room: string; readonly packages: RegExp; readonly users: RegExp }[] = [
  {
    room: 'server',
    packages: /^(hono|@hono\/|@fastify\/busboy|ws$|prom-client)/,
    users: /^src\/cli\/commands\/serve\.ts$/,
  },
  {
    room: 'batch',
    packages: /^(tinyglobby|@bradenmacdonald\/s3-lite-client|bullmq|ioredis|pg$)/,
    users: /^src\/cli\/(commands\/)?batch\w*\.ts$/,
  },
];

test('packages of one word of the command are in its room alone, which is loaded with that word', () => {
  for (const { room, packages, users } of LAZY_ROOMS) {
    const isInside = (file: string): boolean => file.startsWith(`src/${room}/`);
    const found = all.filter(({ to }) => packages.test(to));
    assert.ok(found.length > 0, room);
    assert.equal(
      found.filter(({ from }) => !isInside(from)).map(({ from, to }) => `${from} -> ${to}`),
      [],
    );
    const uses = edges.filter(({ from, to, isType }) => isInside(to) && !isInside(from) && !isType);
    assert.ok(uses.length > 0, room);
    assert.equal(
      uses.filter(({ from }) => !users.test(from)).map(({ from, to }) => `${from} -> ${to}`),
      [],
    );
  }
});

/** `src/audio/x.ts` -> audio, `src/load.ts` -> load.ts, `weights/hub.ts` -> weights. */
function roomOf(file: string): string {
  const [top, name] = file.split('/');
  return top === 'src' ? name! : top!;
}

const allowedBy = ({ values, types }: Room): readonly string[] => [...values, ...types];

const valueArrow = (from: string, to: string): string => `${from} -> ${to}`;
const typeArrow = (from: string, to: string): string => `${from} -> ${to} (types)`;

function arrowsFrom(name: string, { values, types }: Room): string[] {
  return [...values.map((to) => valueArrow(name, to)), ...types.map((to) => typeArrow(name, to))];
}

/** What the sources have between rooms. Where there is a value's arrow, the types' is part of it. */
function foundArrows(): Set<string> {
  const arrows = { values: new Set<string>(), types: new Set<string>() };
  for (const { from, to, isType } of edges) {
    const room = roomOf(from);
    if (room === roomOf(to)) continue;
    const listed = rooms[room] ? allowedBy(rooms[room]) : [];
    const file = to.replace(/^src\//, '');
    const name = listed.includes(file) ? file : roomOf(to);
    if (isType) arrows.types.add(typeArrow(room, name));
    else arrows.values.add(valueArrow(room, name));
  }
  for (const arrow of arrows.types) {
    if (!arrows.values.has(arrow.replace(/ \(types\)$/, ''))) arrows.values.add(arrow);
  }
  return arrows.values;
}

/**
 * The rooms from the lowest floor up: a room stands one above the highest that it imports.
 *
 * @throws where the arrows make a circle
 */
function floors(): string[][] {
  const floorOf = new Map<string, number>();
  const visit = (name: string, path: readonly string[]): number => {
    assert.not.ok(path.includes(name), `a circle: ${[...path, name].join(' -> ')}`);
    const known = floorOf.get(name);
    if (known !== undefined) return known;
    const room = rooms[name];
    assert.ok(room, `${path.at(-1)} lists ${name}, which is no room`);
    const below = allowedBy(room).map((to) => visit(to in rooms ? to : to.split('/')[0]!, [...path, name]));
    const floor = Math.max(-1, ...below) + 1;
    floorOf.set(name, floor);
    return floor;
  };
  for (const name of Object.keys(rooms)) visit(name, []);
  const result: string[][] = Array.from({ length: Math.max(...floorOf.values()) + 1 }, () => []);
  for (const [name, floor] of floorOf) result[floor]!.push(name);
  return result;
}

const architecture = join(repoRoot, 'ARCHITECTURE.md');
const BEGIN = '<!-- rooms: written by `node dist/test/layers.test.js --write` -->\n';
const END = '<!-- end of rooms -->\n';

/** The table for ARCHITECTURE.md, highest floor last. */
function table(): string {
  const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(' ');
  const rows = floors().flatMap((names, floor) =>
    names.map((name) => {
      const { holds, values, types } = rooms[name]!;
      return `| ${floor} | \`${name}\` | ${holds} | ${list(values)} | ${list(types)} |`;
    }),
  );
  return ['| floor | room | holds | imports | types alone of |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}

function splitArchitecture(): { readonly before: string; readonly shown: string; readonly after: string } {
  const text = readFileSync(architecture, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  assert.ok(begin >= 0 && end > begin, 'ARCHITECTURE.md has lost the markers of its table');
  return {
    before: text.slice(0, begin + BEGIN.length),
    shown: text.slice(begin + BEGIN.length, end),
    after: text.slice(end),
  };
}

function print(): void {
  for (const [floor, names] of floors().entries()) {
    for (const name of names) {
      const { values, types } = rooms[name]!;
      const arrows = [...values, ...types.map((to) => `(${to})`)];
      console.log(`${String(floor).padStart(2)}  ${name.padEnd(13)}  ${arrows.join(' ')}`);
    }
  }
}

if (process.argv.includes('--print')) print();
if (process.argv.includes('--write')) {
  const { before, after } = splitArchitecture();
  writeFileSync(architecture, before + table() + after);
}

test.run();
