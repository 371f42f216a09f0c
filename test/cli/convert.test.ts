/** `sotto convert`: what it says while it works. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sotto } from '../support/command.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';

const test = suite('cli/convert');
const dims = { ...shapeClasses.tiny!, nVocab: 1000 + 107 + 1501, nAudioCtx: 20 };

test('it says that it waits for another process, and goes on', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sotto-convert-'));
  try {
    await writeRandomModel(join(root, 'model'), dims, 8);
    const target = join(root, 'target');
    const lock = `${target}.lock`;
    await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname(), id: '' }));
    const { status, stderr } = await sotto(['convert', join(root, 'model'), target], {
      onStderr: (text) => {
        if (text.includes('waiting')) rmSync(lock, { force: true });
      },
    });
    assert.is(status, 0, stderr);
    assert.match(stderr, `sotto: Another process writes ${target}: waiting.\n`);
    assert.match(stderr, `\nwrote ${target}\n`);
  } finally {
    await rm(root, { recursive: true });
  }
});

test.run();
