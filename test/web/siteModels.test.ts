/** Models beside the site, and how the page offers them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildSite } from '../../packaging/siteFiles.ts';
import { addModels } from '../../packaging/siteModels.ts';
import { offeredModels } from '../../web/page/models.ts';

const test = suite('web/siteModels');
const scratch = mkdtempSync(join(tmpdir(), 'sotto-site-models-'));
test.after(() => rmSync(scratch, { recursive: true, force: true }));

function model(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

test('a model is copied whole, and the built page names it with its bytes', async () => {
  const folder = model('q&a "int8"', { 'config.json': '{}', 'model.safetensors': '12345', 'vocab.json': '' });
  const site = join(scratch, 'site');
  await buildSite(site, [folder]);
  for (const file of ['config.json', 'model.safetensors', 'vocab.json'])
    assert.equal(readFileSync(join(site, 'models/q&a "int8"', file)), readFileSync(join(folder, file)));
  const [, attribute = ''] = /data-models="([^"]*)"/.exec(readFileSync(join(site, 'index.html'), 'utf8')) ?? [];
  const json = attribute.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
  assert.equal(JSON.parse(json), [{ name: 'q&a "int8"', bytes: 7 }]);
  const [first] = offeredModels(null, json, 'https://host.example/below/');
  assert.is(first?.model, 'https://host.example/below/models/q%26a%20%22int8%22/');
  assert.is(first?.label, 'q&a "int8"');
});

test('what is no model, or has the name of another, is told before anything is copied', () => {
  const good = model('tiny', { 'config.json': '{}', 'model.safetensors': '1' });
  const target = join(scratch, 'none');
  const refused = (folders: readonly string[], what: RegExp): void => {
    assert.throws(() => addModels(target, folders), what);
    assert.throws(() => readFileSync(join(target, 'tiny/config.json')));
  };
  refused([good, model('half', { 'config.json': '{}' })], /half is no folder of a model/);
  refused([good, join(scratch, 'nowhere')], /nowhere cannot be read/);
  refused([good, model('other/tiny', { 'config.json': '{}', 'model.safetensors': '2' })], /Two models are called tiny/);
});

test('the address of the page is offered first, then what is beside it, then names', () => {
  const beside = JSON.stringify([{ name: 'base-int8', bytes: 82_000_001 }]);
  const offered = offeredModels('../mine/', beside, 'https://host.example/below/page/');
  assert.equal(
    offered.slice(0, 3).map(({ model, megabytes }) => [model, megabytes]),
    [
      ['https://host.example/below/mine/', undefined],
      ['https://host.example/below/page/models/base-int8/', 83],
      ['tiny', 151],
    ],
  );
});

test.run();
