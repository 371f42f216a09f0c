/** `sotto bench` as people meet it. No test of times: those are what it is there to find. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readReport } from '../../src/benchmark/report.ts';
import { BENCH_COMMAND_OPTIONS, configurationsOf, readBenchSettings } from '../../src/cli/benchSettings.ts';
import { sotto } from '../support/command.ts';
import { repoRoot } from '../support/paths.ts';

const test = suite('cli/bench');
const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-'));
test.after(() => rmSync(folder, { recursive: true }));

const jfk = join(repoRoot, 'assets/jfk.wav');
const text = join(folder, 'talk.txt');
writeFileSync(text, 'And so my fellow Americans');

test('wrong arguments end with 2, or 1 where a file is in the way; no model is looked for', async () => {
  const rows: [string[], string, number?][] = [
    [[jfk], 'bench takes options alone, and was given'],
    [['--model', ''], '--model takes names'],
    [['--threads', '1,x'], '--threads takes'],
    [['--threads', '1,-2'], '--threads takes whole numbers from 0'],
    [['--batch', '0'], '--batch takes whole numbers from 1'],
    [['--batch', '1,,8'], '--batch takes'],
    [['--runs', '0'], '--runs takes'],
    [['--device', 'gpu'], '--device takes'],
    [['--dtype', 'f32,q4'], '--dtype takes'],
    [['--text', text], '--text is the transcript of a recording, and none is named.'],
    [['--audio', jfk, '--text', join(folder, 'none.txt')], 'cannot be read'],
    [['--audio', join(folder, 'none.wav')], 'There is no file', 1],
    [['--language', 'xx'], 'does not know the language'],
    [['--baseline', text], 'is no report of sotto bench: it is not JSON'],
    [['--audio', jfk, '--text', text, '--json', text], 'is read, and would be replaced'],
    [['--json', join(folder, 'a'), '--svg', join(folder, 'a')], '--json and --svg name the same file'],
    [['--json', folder], folder, 1],
    [['--json', join(text, 'a.json')], 'Name another file.', 1],
  ];
  for (const [args, sentence, wanted = 2] of rows) {
    const { status, stdout, stderr } = await sotto(['bench', '--model', 'no-such-model', ...args]);
    assert.is(status, wanted, `${args.join(' ')}: ${stderr}`);
    assert.is(stdout, '');
    assert.match(stderr, sentence);
    assert.not.match(stderr, 'There is no model');
  }
  assert.equal(readdirSync(folder), ['talk.txt']);
});

test('every combination is a row; a GPU has no threads', () => {
  const settings = readBenchSettings(
    new Map([
      ['model', 'tiny,base,tiny'],
      ['dtype', 'f32,int8'],
      ['threads', '0,1,2'],
      ['batch', '1,8'],
    ]),
  );
  const cpu = configurationsOf(settings, ['cpu'], 2);
  assert.is(cpu.length, 2 * 2 * 2 * 2);
  assert.equal(cpu[0], { model: 'tiny', device: 'cpu', dtype: 'f32', threads: 2, batch: 1 });
  const gpu = configurationsOf(settings, ['webgpu'], 2);
  assert.is(gpu.length, 2 * 2 * 2);
  assert.ok(gpu.every(({ threads }) => threads === null));
});

test('the help names every option', async () => {
  const { status, stdout } = await sotto(['help', 'bench']);
  assert.is(status, 0);
  for (const { name } of BENCH_COMMAND_OPTIONS) assert.match(stdout, `--${name}`);
});

test('a run: table, report, chart; the next one against it', async () => {
  // Its folder is made when there is something to write.
  const json = join(folder, 'new/folder/a.json');
  const svg = join(folder, 'a.svg');
  const quick = ['bench', '--model', 'tiny', '--device', 'cpu', '--runs', '1', '--language', 'en'];
  const one = await sotto([...quick, '--dtype', 'f32,int8', '--json', json, '--svg', svg, '--verbose']);
  assert.is(one.status, 0, one.stderr);
  assert.match(one.stdout, /\ntiny, cpu, int8, \d+ threads? .* x +\d+ MB +0\.0 %\n/);
  assert.match(one.stdout, 'The words of each model are the same in all its rows.');
  assert.match(one.stderr, /1\/1 tiny, cpu, f32, .*: load .* s; WebAssembly, \d+-bit/);
  const { rows, recording, failures } = readReport(readFileSync(json, 'utf8'), json);
  assert.equal([rows.length, recording, failures], [2, { name: 'jfk.wav', seconds: 11 }, []]);
  for (const { samples, text: said } of rows) {
    assert.match(said, /^And so my fellow Americans/);
    const { loadMs, firstTextMs, firstRunMs, laterRunMs, peakBytes } = samples[0]!;
    assert.ok(loadMs > 0 && laterRunMs > 0 && firstTextMs <= firstRunMs && peakBytes! > 50e6, JSON.stringify(samples));
  }
  assert.match(readFileSync(svg, 'utf8'), /^<svg [\s\S]*<\/svg>\n$/);
  const two = await sotto([
    ...quick,
    '--audio',
    jfk,
    '--text',
    text,
    '--markdown',
    '--dtype',
    'int8',
    '--baseline',
    json,
  ]);
  assert.is(two.status, 0, two.stderr);
  assert.match(two.stdout, /\| against the baseline \|\n\|---\|/);
  assert.match(two.stdout, /\n\| tiny, cpu, int8, .* \| \d+\.\d %? ?\| \d+\.\d\d, too few runs \|\n/);
});

test('Ctrl-C ends it, with no file and no process left', async () => {
  const audio = join(folder, 'own.wav');
  copyFileSync(jfk, audio);
  const before = readdirSync(folder);
  const wanted = ['--model', 'tiny', '--device', 'cpu', '--audio', audio, '--runs', '1000', '--json'];
  let isAsked = false;
  const { status, stdout } = await sotto(['bench', ...wanted, join(folder, 'stopped.json'), '--verbose'], {
    onStderr(told, child) {
      // The second process is at work by then.
      if (!isAsked && told.includes('1/1000')) setTimeout(() => child.kill('SIGINT'), 300);
      isAsked ||= told.includes('1/1000');
    },
  });
  assert.is(status, 130);
  assert.equal([stdout, readdirSync(folder)], ['', before]);
  assert.equal(processesWith(audio), []);
});

/** Their command lines, where the system has them as files. */
function processesWith(word: string): readonly string[] {
  const ids = existsSync('/proc/self/cmdline') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return ids.flatMap((id) => {
    try {
      const line = readFileSync(`/proc/${id}/cmdline`, 'utf8');
      return line.includes(word) ? [line] : [];
    } catch {
      return []; // it has ended
    }
  });
}

test.run();
