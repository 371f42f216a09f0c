/** THIRD-PARTY-NOTICES.md against package-lock.json: what an install brings, each with its licence and its text. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { repoRoot } from '../support/paths.ts';

const notice = readFileSync(join(repoRoot, 'THIRD-PARTY-NOTICES.md'), 'utf8');
const lock = JSON.parse(readFileSync(join(repoRoot, 'package-lock.json'), 'utf8')) as {
  // npm's own form
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly license?: string }>>;
};
const installed = Object.entries(lock.packages)
  .filter(([path, { dev }]) => path !== '' && !dev)
  .map(([path, { license }]) => ({ name: path.slice(path.lastIndexOf('node_modules/') + 13), license }));
const rows = new Map([...notice.matchAll(/^\| `([^`]+)` \| ([^|]+) \|/gm)].map(([, name, license]) => [name, license]));

const test = suite('notices of third parties');

test('every installed package has a row with its licence, and a section with the text', () => {
  assert.ok(installed.length > 10);
  for (const { name, license } of installed) {
    assert.ok(rows.get(name)?.startsWith(license ?? '?'), `${name}: ${license}, in the notice ${rows.get(name)}`);
    const sections = notice
      .split('\n## ')
      .filter((section) => section.slice(0, section.indexOf('\n')).split(', ').includes(name));
    assert.is(sections.length, 1, name);
    assert.match(sections[0]!, /Permission is hereby granted|Redistribution and use|Apache License/, name);
  }
});

test('no row without a package', () => {
  const names = new Set(installed.map(({ name }) => name));
  assert.equal(
    [...rows.keys()].filter((name) => name !== undefined && !names.has(name)),
    [],
  );
});

test('nothing that is installed asks for the source of what uses it', () => {
  for (const { name, license } of installed)
    assert.match(license ?? 'none', /^(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD)$/, name);
});

test.run();
