/** A type of another file that an exported signature names is exported itself: read from the declarations that users get. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { repoRoot } from '../support/paths.ts';

/** How types are made of tables of options, of which users see the result; kernels' own types are exported by `sotto/lab`. */
const INNER: readonly string[] = ['OptionsOf', 'ResolvedOptions', 'Kernel', 'Dims', 'Params'];

const read = (path: string): string => readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');

/** Names that one file exports from others -> those files. */
function reexports(path: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, names = '', from = ''] of read(path).matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)) {
    const file = join(dirname(path), from).replace(/\.(ts|js)$/, '.d.ts');
    for (const name of names.split(',')) found.set(name.replace(/\btype\b| as \w+/g, '').trim(), file);
  }
  found.delete('');
  return found;
}

/** The text of one exported declaration, without what is private. */
function declaration(text: string, name: string): string {
  const begin = text.search(
    new RegExp(String.raw`^export (declare )?(interface|type|class|function|const) ${name}\b`, 'm'),
  );
  assert.ok(begin >= 0, `${name} is not declared where it is exported from`);
  const rest = text.slice(begin + 1);
  const end = rest.search(/^(export|declare|type|interface) /m);
  return (end < 0 ? rest : rest.slice(0, end)).replace(/^ +private .*$/gm, '');
}

const test = suite('exported types');

test('what a signature names can be imported', () => {
  const entries = ['index', 'index.node', 'index.web'].map((name) => join(repoRoot, `dist/src/${name}.d.ts`));
  const exported = new Map(entries.flatMap((entry) => [...reexports(entry)]));
  assert.ok(exported.size > 100 && exported.has('LogitFilter'), `${exported.size} exports`);
  const missing: string[] = [];
  for (const [name, file] of exported) {
    const text = read(file);
    const imported = [...text.matchAll(/import (?:type )?\{([^}]*)\}/g)].flatMap(([, names = '']) =>
      names.split(',').map((one) => one.replace(/\btype\b/, '').trim()),
    );
    const body = declaration(text, name);
    for (const type of imported)
      if (
        /^[A-Z]/.test(type) &&
        !exported.has(type) &&
        !INNER.includes(type) &&
        new RegExp(String.raw`\b${type}\b`).test(body)
      )
        missing.push(`${type}, of ${name}`);
  }
  assert.equal(missing, []);
});

test.run();
