/**
 * Who may import whom: the rooms of ARCHITECTURE.md, held by reading every import. Also: no circle between rooms, and
 * `node:` only where it belongs. `node dist/test/layers.test.js --print` prints the graph for ARCHITECTURE.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { repoRoot } from './support/paths.ts';

/** Room -> rooms it may import; `index` and what stands above it may import nearly everything and is listed last. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  rules: ['base'],
  text: ['base'],
  audio: ['base'],
  checkpoint: ['base', 'text'],
  runtime: ['base', 'audio'],
  engine: ['base'],
  kernels: ['base', 'rules', 'engine'],
  devices: ['base', 'engine', 'kernels', 'runtime'],
  decode: ['base', 'rules', 'text'],
  model: ['base', 'rules', 'engine', 'kernels', 'decode'],
  transcribe: ['base', 'text', 'decode'],
  output: ['base', 'text', 'transcribe'],
  lab: ['base', 'engine', 'kernels', 'devices'],
};

/** Edges that are about one file, not about the room. */
const exceptions: readonly (readonly [from: string, to: string])[] = [
  // Only the sizes' type: what the weights' reader says of a model.
  ['src/checkpoint/', 'src/model/dims.ts'],
  // Numbers in, numbers out: where somebody speaks is asked of a log-mel, whoever made it.
  ['src/transcribe/', 'src/audio/features/vad.ts'],
  // The sizes of a window and of a frame.
  ['src/transcribe/', 'src/audio/constants.ts'],
];

const nodeModules =
  /^(src\/runtime\/(node|ffmpeg|v8Flags)|src\/index\.node|src\/cli\/|src\/server\/|weights\/|test\/|bench\/|examples\/)/;

interface Import {
  readonly from: string;
  readonly to: string;
}

function sources(): string[] {
  const list = (folder: string): string[] =>
    readdirSync(join(repoRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file}`);
  return ['src', 'weights'].flatMap(list);
}

function imports(): { edges: Import[]; node: Import[] } {
  const edges: Import[] = [];
  const node: Import[] = [];
  for (const from of sources()) {
    const text = readFileSync(join(repoRoot, from), 'utf8');
    for (const [, name] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
      if (name!.startsWith('node:')) node.push({ from, to: name! });
      if (!name!.startsWith('.')) continue;
      const to = relative(repoRoot, join(repoRoot, dirname(from), name!));
      edges.push({ from, to });
    }
  }
  return { edges, node };
}

/** `src/audio/x.ts` -> audio; `src/whisper.ts` -> top; entry points, cli and the like -> top. */
function room(file: string): string {
  if (!file.startsWith('src/')) return 'top';
  const [, first, more] = file.split('/');
  const name = more === undefined ? first!.replace(/\.ts$/, '') : first!;
  return name in allowed ? name : 'top';
}

const { edges, node } = imports();
const test = suite('layers');

test('reads imports at all', () => {
  assert.ok(edges.length > 100);
  assert.ok(edges.some(({ from, to }) => from === 'src/engine/plan.ts' && to === 'src/engine/program.ts'));
});

test('no room imports what it may not', () => {
  const wrong = edges.filter(({ from, to }) => {
    const [a, b] = [room(from), room(to)];
    if (a === 'top' || a === b) return false;
    if (exceptions.some(([x, y]) => from.startsWith(x) && to === y)) return false;
    return !allowed[a]!.includes(b);
  });
  assert.equal(
    wrong.map(({ from, to }) => `${from} -> ${to}`),
    [],
  );
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

test('no circle between rooms', () => {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of edges) {
    const [a, b] = [room(from), room(to)];
    if (a === b || a === 'top' || exceptions.some(([x, y]) => from.startsWith(x) && to === y)) continue;
    if (!next.has(a)) next.set(a, new Set());
    next.get(a)!.add(b);
  }
  const visit = (name: string, path: readonly string[]): void => {
    assert.not.ok(path.includes(name), `a circle: ${[...path, name].join(' -> ')}`);
    for (const to of next.get(name) ?? []) visit(to, [...path, name]);
  };
  for (const name of next.keys()) visit(name, []);
});

test('node modules only where they belong', () => {
  const wrong = node.filter(({ from }) => !nodeModules.test(from)).map(({ from, to }) => `${from} -> ${to}`);
  assert.equal(wrong, []);
});

if (process.argv.includes('--print')) {
  const lines = new Set(
    edges
      .map(({ from, to }) => [room(from), room(to)] as const)
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => `${a} --> ${b}`),
  );
  console.log(['graph TD', ...[...lines].sort().map((line) => `  ${line}`)].join('\n'));
}

test.run();
