/** What can be said of recordings before they are read. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { refuseMisspeltCommand } from '../../src/cli/commandWords.ts';
import { errorText } from '../../src/cli/errors.ts';
import { lookAtRecordings } from '../../src/files/recordings.ts';
import { fault } from '../options/fault.ts';

const test = suite('files/recordings');
const folder = mkdtempSync(join(tmpdir(), 'sotto-recordings-'));
test.after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
for (const name of ['talk.mp3', 'other.wav', 'my talks/one.flac', 'empty/x.txt']) {
  mkdirSync(join(at(name), '..'), { recursive: true });
  writeFileSync(at(name), 'x');
}

/** The sentences about one that is refused. */
function refusal(name: string): string {
  const { usable, refused } = lookAtRecordings([name]);
  assert.equal(usable, []);
  return errorText(refused[0]!.error, name).replaceAll(`${folder}/`, '');
}

test('files and addresses are taken, each once', () => {
  const names = [
    at('talk.mp3'),
    at('./talk.mp3'),
    at('other.wav'),
    'https://example.org/x',
    at('my talks/../talk.mp3'),
  ];
  const { usable, refused, repeated } = lookAtRecordings(names);
  assert.equal(usable, [names[0], names[2], names[3]]);
  assert.equal(refused, []);
  assert.equal(repeated, [names[1], names[4]]);
  assert.equal(lookAtRecordings([pathToFileURL(at('my talks/one.flac')).href]).usable, [at('my talks/one.flac')]);
});

test('what is not there is named with a guess', () => {
  const rows: [string, string][] = [
    [at('talk.mp4'), 'There is no file talk.mp4.\n  Did you mean talk.mp3?'],
    [at('other.flac'), 'There is no file other.flac.\n  Did you mean other.wav?'],
    [at('quite-another.mp3'), 'There is no file quite-another.mp3.'],
    [at('*.ogg'), 'There is no file *.ogg.\n  No name matches it.'],
    ['rtsp://camera/1', 'There is no file rtsp://camera/1.\n  Addresses begin with http: or https:'],
    [at('talk.mp3/x'), 'talk.mp3/x cannot be read: a part of its path is a file, not a folder.'],
    [at('x'.repeat(300)), 'cannot be read: its name is too long.'],
    ['', 'sotto: A recording is named by an empty text.'],
    ['http://[', 'http://[ is not a valid address.'],
    [
      at('my talks'),
      `my talks is a folder.\n  Name what is in it: sotto "my talks"/*.flac; with all below it: sotto batch "my talks" -o out`,
    ],
    [at('empty'), 'empty is a folder.\n  It holds no recordings itself. With all below it: sotto batch empty -o out'],
    [at('a\nb\x1b[2J'), 'sotto: a\\nb\\x1b[2J: There is no file a\\nb\\x1b[2J.'],
  ];
  for (const [name, words] of rows) assert.match(refusal(name), words);
});

test('a word that is a command elsewhere, or nearly one here, is no recording', () => {
  const rows: [string, string | undefined][] = [
    ['hlep', 'Did you mean sotto help?'],
    ['HELP', 'Did you mean sotto help?'],
    ['covnert', 'Did you mean sotto convert?'],
    ['server', 'Did you mean sotto serve?'],
    ['transcribe', 'It needs no word for that'],
    ['talk', undefined],
    ['talk.mp3', undefined],
    ['a/help', undefined],
    ['constructor', undefined],
  ];
  for (const [word, hint] of rows) {
    if (hint === undefined) {
      refuseMisspeltCommand(word);
      continue;
    }
    assert.match(
      fault(() => refuseMisspeltCommand(word)),
      `noCommand: There is no file ${word}, and no command`,
    );
    try {
      refuseMisspeltCommand(word);
    } catch (error) {
      assert.match(errorText(error), hint);
    }
  }
});

test.run();
