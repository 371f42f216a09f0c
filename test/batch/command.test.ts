/** `sotto batch` as a process: the same files as the command's, and what is there after signals and failures. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { gather } from '../../src/batch/gather.ts';
import { keyOf } from '../../src/batch/item.ts';
import { Journal, readJournals } from '../../src/batch/journal.ts';
import { modelIdentity } from '../../src/batch/modelIdentity.ts';
import { entryOf } from '../../src/batch/run.ts';
import { folderSource } from '../../src/batch/sources/folderSource.ts';
import { readBatchSettings } from '../../src/cli/batchSettings.ts';
import { isAlive } from '../../src/files/isAlive.ts';
import { wavFile } from '../audio/sounds.ts';
import { type CommandOptions, type CommandResult, sotto } from '../support/command.ts';
import { sendFile, serve } from '../support/httpServer.ts';
import { repoRoot } from '../support/paths.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';

const test = suite('batch/command');
const folder = mkdtempSync(join(tmpdir(), 'sotto-batch-'));
test.after(() => rmSync(folder, { recursive: true }));
const at = (...names: readonly string[]): string => join(folder, ...names);

await writeRandomModel(at('model'), shapeClasses.tiny!, 1);
const model = [
  ...['--model', at('model'), '--device', 'cpu', '--threads', '1', '--language', 'en'],
  ...['--temperature', '0', '--temperature_increment_on_fallback', 'None'],
];
const quick = [...model, '--sample_len', '5'];

const jfk = readFileSync(join(repoRoot, 'assets/jfk.wav'));
const sound = jfk.subarray(jfk.indexOf('data') + 8);

/** Seconds of the recording of the repository, as a WAV file. */
function clip(from: number, to: number): Uint8Array {
  return wavFile({ tag: 1, bits: 16, data: sound.subarray(32_000 * from, 32_000 * to) });
}

function write(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), bytes);
}

const batch = (args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
  sotto(['batch', ...args], { cwd: folder, ...options });

/** All files below a folder, hidden ones too. */
const filesIn = (path: string): string[] =>
  readdirSync(at(path), { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(at(path).length + 1))
    .sort();

const endsIn = (path: string): string[] =>
  readJournals(at(path))
    .entries.map(({ id, status, code }) => `${id} ${code ?? status}`)
    .sort();

interface Summary {
  readonly done: number;
  readonly failed: number;
  readonly before: number;
  readonly left: number;
  readonly otherShards: number;
}

/** The line that `--json` prints. */
function summaryOf({ stdout, stderr }: CommandResult): Summary {
  assert.match(stdout, /^\{.*\}\n$/, stderr);
  return JSON.parse(stdout) as Summary;
}

test('the files of the command to the byte, with a corrupt one among the recordings', async () => {
  write('in/a.wav', clip(0, 5));
  write('in/sub/b.wav', clip(8, 11));
  write('in/sub/b.flac', 'fLaC and no more');
  const options = [
    '--model',
    'tiny',
    '--language',
    'en',
    '--device',
    'cpu',
    '--beam_size',
    '1',
    '--word_timestamps',
    'True',
  ];
  const formats = ['-f', 'txt,srt,vtt,tsv,json,verbose_json,lrc,csv'];
  const result = await batch(['in', '-o', 'out', ...options, ...formats, '--json']);
  assert.is(result.status, 1, result.stderr);
  const { done, failed, left } = summaryOf(result);
  assert.equal({ done, failed, left }, { done: 2, failed: 1, left: 0 });
  assert.equal(
    endsIn('out').filter((line) => !line.endsWith('done')),
    ['sub/b.flac truncated'],
  );
  // Two recordings of one name: each has its extension.
  const wanted = { 'a.wav': 'a', 'sub/b.wav': 'sub/b.wav' };
  const files = Object.values(wanted).flatMap((name) =>
    ['csv', 'json', 'lrc', 'srt', 'tsv', 'txt', 'verbose.json', 'vtt'].map((extension) => `${name}.${extension}`),
  );
  assert.equal(filesIn('out'), ['batch.jsonl', ...files].sort());
  for (const [recording, name] of Object.entries(wanted)) {
    const stem = name.split('/').at(-1)!.replace('.wav', '');
    const alone = await sotto([at('in', recording), '-o', at('alone', name), ...options, ...formats]);
    assert.is(alone.status, 0, alone.stderr);
    for (const file of readdirSync(at('alone', name))) {
      const own = readFileSync(at('out', `${name}${file.slice(stem.length)}`));
      assert.ok(own.equals(readFileSync(at('alone', name, file))), `${name} ${file}`);
    }
  }
  // Again, where the outputs are now: nothing is done.
  cpSync(at('out'), at('moved'), { recursive: true });
  const again = await batch(['in', '-o', 'moved', ...options, ...formats]);
  assert.is(again.status, 1);
  assert.match(again.stderr, /failed: .*b\.flac/);
  assert.match(again.stderr, '0 done, 2 done before, 1 failed');
  assert.not.match(again.stderr, 'loading');
});

test('a manifest: options of a recording, and a name of its own', async () => {
  write(
    'talks.jsonl',
    '{"id": "x/one", "audio": "a.wav", "options": {"sample_len": 3}}\n{"id": "two", "audio": "a.wav"}\n',
  );
  write('a.wav', clip(0, 5));
  const { status, stderr } = await batch(['talks.jsonl', '-o', 'talks', ...quick]);
  assert.is(status, 0, stderr);
  assert.equal(filesIn('talks'), ['batch.jsonl', 'two.json', 'x/one.json']);
  assert.not.equal(readFileSync(at('talks/x/one.json'), 'utf8'), readFileSync(at('talks/two.json'), 'utf8'));
  for (const [name, more] of [
    ['x/one', ['--sample_len', '3']],
    ['two', []],
  ] as const) {
    const alone = await sotto([at('a.wav'), '-o', at('talks alone'), '-f', 'json', ...quick, ...more]);
    assert.is(alone.status, 0, alone.stderr);
    assert.is(readFileSync(at('talks', `${name}.json`), 'utf8'), readFileSync(at('talks alone/a.json'), 'utf8'), name);
  }
});

test('a list on standard input, and shards', async () => {
  const names = ['s1.wav', 's2.wav', 's3.wav', 's4.wav', 's5.wav'];
  for (const name of names) write(name, clip(0, 1));
  let done = 0;
  for (const [index, env] of [
    ['1/2', {}],
    ['', { JOB_COMPLETION_INDEX: '1', JOB_COMPLETIONS: '2' }],
  ] as const) {
    const shard = index === '' ? [] : ['--shard', index];
    const input = [Buffer.from(names.join('\n'))];
    const result = await batch(['-', '-o', 'shards', '--json', ...shard, ...quick], { input, env });
    assert.is(result.status, 0, result.stderr);
    assert.match(
      result.stderr,
      index === '' ? 'shard 2 of 2, as JOB_COMPLETION_INDEX says' : 'shard 1 of 2, as --shard says',
    );
    const summary = summaryOf(result);
    assert.is(summary.done + summary.otherShards, 5);
    done += summary.done;
  }
  assert.is(done, 5);
  assert.is(filesIn('shards').filter((name) => name.endsWith('.json')).length, 5);
});

test('what is wrong is said before anything is loaded, with 2', async () => {
  write('one/a.wav', clip(0, 1));
  write(
    'bad.jsonl',
    '{"id": "a", "audio": "one/a.wav"}\n{"id": "b", "audio": "one/a.wav", "options": {"langauge": "en"}}\n',
  );
  mkdirSync(at('nothing'), { recursive: true });
  const rows: readonly (readonly [args: readonly string[], status: number, words: string | RegExp])[] = [
    [['-o', 'no'], 2, 'batch was given no recordings'],
    [['one'], 2, 'batch was not told where its outputs go.'],
    [['one', '-o', 'no', '--langauge', 'en'], 2, 'Did you mean --language?'],
    [['one', '-o', 'no', '--language', 'klingon'], 2, 'klingon'],
    [['one', '-o', 'no', '--max_line_width', '40'], 2, '--word_timestamps True'],
    [['one', '-o', 'no', '--shard', '0/2'], 2, 'counted from 1'],
    [['one', '-o', 'no', '--workers', '0'], 2, '--workers'],
    [['one/b.wav', '-o', 'no'], 1, 'Did you mean one/a.wav?'],
    [['nothing', '-o', 'no'], 2, /There are no recordings in nothing\.\n {2}.*--include/],
    [
      ['bad.jsonl', '-o', 'no'],
      2,
      /bad\.jsonl, line 2: a recording has no option "langauge".\n {2}Did you mean "language"/,
    ],
    [['one', '-o', 'one/a.wav'], 1, 'it is a file'],
  ];
  for (const [args, status, words] of rows) {
    const result = await batch(args, { env: { SOTTO_CACHE: at('none') } });
    assert.is(result.status, status, result.stderr);
    assert.match(result.stderr, words);
    assert.not.match(result.stderr, /\n\s+at |fetching|loading/);
  }
  assert.not.ok(readdirSync(folder).includes('no'));
});

/** Recordings of one window and one of many, whose decoding takes long. */
function makeLong(path: string): void {
  for (let i = 0; i < 4; i++) write(join(path, `${i}.wav`), clip(i, i + 1));
  write(
    join(path, 'long.wav'),
    wavFile({ tag: 1, bits: 16, data: Buffer.concat(Array.from({ length: 60 }, () => sound)) }),
  );
}

const journalled = (path: string): number => {
  try {
    return readJournals(at(path)).entries.length;
  } catch {
    return 0;
  }
};

for (const [name, workers, signal, status] of [
  ['Ctrl-C', [], 'SIGINT', 130],
  ['SIGTERM with workers', ['--workers', '2'], 'SIGTERM', 143],
] as const) {
  test(`${name}: what is done is whole, nothing else is there, and the same command goes on`, async () => {
    const [source, out] = [`in ${signal}`, `out ${signal}`];
    makeLong(source);
    const args = [source, '-o', out, '-f', 'txt,json', ...model, '--sample_len', '30', ...workers];
    let sent = false;
    const watch = async (child: { kill(signal: NodeJS.Signals): boolean }): Promise<void> => {
      while (journalled(out) < 4) await sleep(20);
      child.kill(signal);
    };
    const stopped = await batch([...args, '--json'], {
      onStderr(_, child) {
        if (!sent) void watch(child);
        sent = true;
      },
    });
    assert.is(stopped.status, status, stopped.stderr);
    assert.is(summaryOf(stopped).left, 1);
    const files = ['0', '1', '2', '3'].flatMap((stem) => [`${stem}.json`, `${stem}.txt`]);
    assert.equal(filesIn(out), [...files, 'batch.jsonl']);
    // Not the long one: it would take long.
    const again = await batch([...args, '--exclude', 'long*', '--json']);
    assert.is(again.status, 0, again.stderr);
    assert.is(summaryOf(again).before, 4);
  });
}

test('kill -9 of the run: its workers end, and the next run does what is left', async () => {
  makeLong('in kill');
  const args = ['in kill', '-o', 'out kill', ...model, '--sample_len', '30', '--workers', '2', '--json'];
  let workers: number[] = [];
  let sent = false;
  const killed = await batch(args, {
    onStderr(_, child) {
      if (sent || child.pid === undefined) return;
      sent = true;
      void (async () => {
        while (journalled('out kill') < 3) await sleep(20);
        workers = childrenOf(child.pid!);
        child.kill('SIGKILL');
      })();
    },
  });
  assert.is(killed.signal, 'SIGKILL');
  assert.is(workers.length, 2);
  while (workers.some(isAlive)) await sleep(50);
  const again = await batch([...args, '--exclude', 'long*']);
  assert.is(again.status, 0, again.stderr);
  const { done, before: there } = summaryOf(again);
  assert.is(done + there, 4);
  assert.equal(filesIn('out kill'), ['0.json', '1.json', '2.json', '3.json', 'batch.jsonl']);
});

test('kill -9 of the run while its workers start: they end as well', async () => {
  makeLong('in early');
  for (const wait of [0, 200]) {
    let workers: number[] = [];
    let sent = false;
    const killed = await batch(['in early', '-o', 'out early', ...model, '--workers', '2', '--shard', '1/1'], {
      onStderr(_, child) {
        if (sent || child.pid === undefined) return;
        sent = true;
        void (async () => {
          while (workers.length < 2) {
            workers = childrenOf(child.pid!);
            await sleep(5);
          }
          await sleep(wait);
          child.kill('SIGKILL');
        })();
      },
    });
    assert.is(killed.signal, 'SIGKILL');
    while (workers.some(isAlive)) await sleep(50);
  }
});

/** Processes that one has started, on Linux. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => {
      try {
        const [, parent] = /^\d+ \(.*\) \S+ (\d+)/.exec(readFileSync(`/proc/${child}/stat`, 'utf8')) ?? [];
        return Number(parent) === pid;
      } catch {
        return false; // it has ended meanwhile
      }
    });
}

test('addresses: by their ETag, and while the server is down what was done stays done', async () => {
  let etag = '"1"';
  let whole = 0;
  const server = await serve((request, response) => {
    if (request.url === '/none.wav') {
      response.writeHead(404).end();
      return;
    }
    if (request.headers.range === undefined) whole++;
    sendFile(request, response, clip(0, 1), { etag });
  });
  const rows = ['talk.wav', 'none.wav'].map((name) => `${server.url}${name}`);
  write('addresses.txt', rows.join('\n'));
  const args = ['addresses.txt', '-o', 'addresses', ...quick, '--json'];
  const run = async (...more: readonly string[]): Promise<number[]> => {
    const result = await batch([...args, ...more], { env: { NO_PROXY: '127.0.0.1' } });
    const { done, before, failed } = summaryOf(result);
    return [done, before, failed, whole];
  };
  try {
    assert.equal(await run(), [1, 0, 1, 1]);
    assert.equal(endsIn('addresses'), [`${rows[1]} fetch`, `${rows[0]} done`].sort());
    assert.equal(await run(), [0, 1, 1, 1]);
    etag = '"2"';
    assert.equal(await run(), [1, 0, 1, 2]);
    assert.equal(filesIn('addresses'), ['batch.jsonl', 'talk.json']);
  } finally {
    await server.close();
  }
  assert.equal(await run(), [0, 1, 1, 2]);
});

test('a run over 5,000 recordings that are done does nothing, and soon', async () => {
  for (let i = 0; i < 5000; i++) write(`many/${i % 50}/${i}.wav`, `recording ${i}`);
  const { signal } = new AbortController();
  const values = new Map(quick.flatMap((word, i) => (i % 2 === 0 ? [[word.slice(2), quick[i + 1]!] as const] : [])));
  const settings = readBatchSettings(values);
  const identity = { model: `${modelIdentity(at('model'))} auto auto`, formats: settings.formats };
  const { items } = await gather([folderSource(at('many'))], {
    formats: settings.formats,
    folder: at('many-out'),
    ignoresCase: false,
    signal,
  });
  const journal = new Journal(at('many-out'), 'batch.jsonl');
  for (const item of items) {
    write(`many-out/${item.name}.json`, '{}');
    const key = keyOf(item, identity, settings.identityOf(item));
    journal.append(entryOf({ item, key }, { status: 'done', seconds: 60, ms: 1000 }));
  }
  journal.close();
  const started = performance.now();
  const result = await batch(['many', '-o', 'many-out', ...quick, '--json']);
  const seconds = (performance.now() - started) / 1000;
  console.log(`5,000 recordings that are done: ${seconds.toFixed(2)} s`);
  assert.is(result.status, 0, result.stderr);
  assert.equal([summaryOf(result).before, summaryOf(result).done], [5000, 0]);
  // It takes half a second on a machine that does nothing else.
  assert.ok(seconds < 20, `${seconds} s`);
});

test.run();
