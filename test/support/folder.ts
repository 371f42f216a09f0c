/** A folder for one test. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';

/** Hands an empty folder to `work` and removes it. No temporary file may be left behind meanwhile. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-test-'));
  const { TMPDIR } = process.env;
  // Of its own: other programs have temporary files too.
  process.env.TMPDIR = mkdtempSync(join(folder, 'tmp-'));
  try {
    await work(folder);
    assert.equal(readdirSync(tmpdir()), [], 'temporary files');
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    rmSync(folder, { recursive: true });
  }
}
