/** `sotto models`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { modelsCommand } from '../../src/cli/commands/models.ts';
import type { CommandIo } from '../../src/cli/io.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';
import { throws } from '../support/throws.ts';

const test = suite('cli/models');
const cache = mkdtempSync(join(tmpdir(), 'sotto-models-'));
test.after(() => rmSync(cache, { recursive: true }));

function noInput(): never {
  throw new Error('it reads nothing');
}

/** @returns what it prints, by the first column */
async function models(...argv: readonly string[]): Promise<ReadonlyMap<string, string>> {
  let text = '';
  const stream = { write: (more: string) => (text += more) };
  const { signal } = new AbortController();
  const io: CommandIo = {
    stdin: noInput,
    stdout: stream,
    stderr: stream,
    signal,
    stdoutClosed: signal,
    allowGrace: () => {},
  };
  assert.is(await modelsCommand(argv, io), 0);
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  return new Map(rows.map(([name = '', ...rest]) => [name, rest.join(' | ')]));
}

test('names with their size and where they come from; models that are here, with their folder', async () => {
  await writeRandomModel(join(cache, 'base.en'), shapeClasses['tiny.en']!, 1);
  await writeRandomModel(join(cache, 'me--whisper-own'), shapeClasses.tiny!, 1);
  mkdirSync(join(cache, 'tiny.download'));
  writeFileSync(join(cache, 'tiny.download/config.json'), '{}');
  const rows = await models('--model_dir', cache);
  assert.match(rows.get('base.en')!, new RegExp(`^\\d+ MB \\| ${join(cache, 'base.en')}$`));
  assert.match(rows.get('me/whisper-own')!, join(cache, 'me--whisper-own'));
  assert.is(rows.get('tiny'), '151 MB | to be fetched: openai/whisper-tiny');
  assert.match(rows.get('large-v3-turbo, turbo')!, '1.6 GB | to be fetched: ');
  assert.is(rows.size, 18);
  for (const row of rows.values()) assert.match(row, /^\d+(\.\d)? [MG]B \| /);
});

test('a folder that is not there has no models; a name is not taken', async () => {
  assert.is((await models('--model_dir', join(cache, 'none'))).size, 17);
  await throws(OptionsError, 'contradiction', () => models('tiny'));
  assert.match([...(await models('--help')).keys()][0]!, 'sotto models:');
});

test.run();
