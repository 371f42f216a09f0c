/** The command as a process: signals, streams that are closed, and what it says before it loads anything. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CommandOptions, program, sotto } from '../support/command.ts';
import { serve } from '../support/httpServer.ts';
import { commandFile, repoRoot } from '../support/paths.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';

const test = suite('cli/process');
const folder = mkdtempSync(join(tmpdir(), 'sotto-process-'));
test.after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

await writeRandomModel(at('model'), shapeClasses.tiny!, 1);
const jfk = join(repoRoot, 'assets/jfk.wav');
for (const name of ['a.wav', 'b.wav']) copyFileSync(jfk, at(name));
const model = ['--model', at('model'), '--device', 'cpu', '--threads', '1', '--language', 'en', '--temperature', '0'];
const quick = [...model, '--sample_len', '5'];
const run = (args: readonly string[], options: CommandOptions = {}) => sotto(args, { cwd: folder, ...options });
const isLoaded = /loading|compiling|converting|fetching/;

/** Runs a script of the shell, in which `sotto` is the command. */
function shell(script: string): Promise<{ readonly status: number | null; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE: process.execPath, MAIN: commandFile };
    const whole = `sotto() { "$NODE" "$MAIN" "$@"; }; ${script}`;
    const child = spawn('sh', ['-c', whole], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stderr }));
  });
}

/** Sends a signal as soon as stderr matches. */
function signalAt(words: RegExp, signal: NodeJS.Signals): NonNullable<CommandOptions['onStderr']> {
  let sent = false;
  return (text, child) => {
    if (sent || !words.test(text)) return;
    sent = true;
    child.kill(signal);
  };
}

/** Five minutes of a slow hum: many windows, each with as much text as fits, by a model that knows no words. */
function longRecording(): string {
  const path = at('long.wav');
  const wav = readFileSync(jfk);
  const [header, hum] = [Buffer.from(wav.subarray(0, wav.indexOf('data') + 8)), Buffer.alloc(2 * 16000 * 300)];
  for (let i = 0; i < hum.length / 2; i++) hum.writeInt16LE(Math.round(5000 * Math.sin(i / 40)), 2 * i);
  header.writeUInt32LE(hum.length, header.length - 4);
  writeFileSync(path, Buffer.concat([header, hum]));
  return path;
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`${signal} ends a transcription with ${status}, and leaves no file`, async () => {
    const out = at(`out-${signal}`);
    const options = { onStderr: signalAt(/^transcribing/m, signal) };
    const { status: ended, stderr } = await run([longRecording(), ...model, '-o', out, '--verbose', 'False'], options);
    assert.is(ended, status, stderr);
    assert.not.match(stderr, /\n\s+at /);
    assert.not.ok(readdirSync(folder).includes(`out-${signal}`));
  });
}

test('a signal while the model is being loaded', async () => {
  const { status, stderr } = await run(['a.wav', ...quick], { onStderr: signalAt(/^loading/m, 'SIGTERM') });
  assert.is(status, 143, stderr);
  assert.not.match(stderr, /transcribing/);
});

test('a signal while the model is being fetched', async () => {
  // As much as is announced never comes.
  const server = await serve(({ method }, response) => {
    response.writeHead(200, { 'content-length': '100', etag: '"x"' });
    if (method === 'HEAD') response.end();
    else response.write('half');
  });
  try {
    const options = {
      env: { HF_ENDPOINT: server.url, NO_PROXY: '127.0.0.1' },
      onStderr: signalAt(/^fetching/m, 'SIGINT'),
    };
    const { status, stderr } = await run(['a.wav', '-m', 'medium.en', '--model_dir', 'cache'], options);
    assert.is(status, 130, stderr);
  } finally {
    await server.close();
  }
});

test('a signal while a recording is being read: a pipe that nobody writes to', async () => {
  spawnSync('mkfifo', [at('fifo.wav')]);
  const { status, signal, stderr } = await run(['fifo.wav', ...quick], { onStderr: signalAt(/ on cpu: /, 'SIGTERM') });
  assert.ok(status === 143 || signal === 'SIGTERM', stderr);
  assert.not.match(stderr, /\n\s+at /);
});

test('what does not stop is ended: by the second signal, and by the first after a while', async () => {
  // A thread that opens a pipe which nobody writes to is not waited for either.
  spawnSync('mkfifo', [at('pipe')]);
  const source = pathToFileURL(join(repoRoot, 'dist/src/cli/endSignals.js')).href;
  writeFileSync(
    at('stubborn.mjs'),
    `import { open } from 'node:fs';
     import { listenForEndSignals } from ${JSON.stringify(source)};
     listenForEndSignals().signal.addEventListener('abort', () => process.stderr.write('asked'));
     open(${JSON.stringify(at('pipe'))}, () => {});
     process.on('exit', () => process.stderr.write('cleaned up'));
     process.stderr.write('ready\\n');`,
  );
  const once = await program(at('stubborn.mjs'), [], { onStderr: signalAt(/ready/, 'SIGTERM') });
  assert.is(once.signal, 'SIGTERM');
  assert.match(once.stderr, 'cleaned up');
  const twice = await program(at('stubborn.mjs'), [], {
    onStderr(text, child) {
      if (/asked/.test(text)) setInterval(() => child.kill('SIGINT'), 100).unref();
      else child.kill('SIGINT');
    },
  });
  assert.is(twice.signal, 'SIGINT');
});

test('a reader of stdout that goes away does not keep files from being written', async () => {
  const args = `a.wav b.wav ${quick.join(' ')} -f txt -o head`;
  const { status, stderr } = await shell(`{ sotto ${args}; echo "status $?" >&2; } | true`);
  assert.match(stderr, 'status 0');
  assert.is(status, 0);
  assert.equal(readdirSync(at('head')).sort(), ['a.txt', 'b.txt']);
  assert.match((await shell('{ sotto --help; echo "status $?" >&2; } | true')).stderr, 'status 0');
});

test('a full disk below stdout is told, and files are written', async () => {
  if (process.platform !== 'linux') return;
  const { status, stderr } = await shell(`sotto a.wav ${quick.join(' ')} -f txt -o full > /dev/full`);
  assert.is(status, 1);
  assert.match(stderr, 'sotto: Standard output cannot be written: there is no space left on the disk.');
  assert.not.match(stderr, /\n\s+at /);
  assert.equal(readdirSync(at('full')), ['a.txt']);
  assert.is((await shell('sotto --version > /dev/full')).status, 1);
});

test('a folder as standard input is told', async () => {
  const { status, stderr } = await shell(`sotto - ${quick.join(' ')} < .`);
  assert.is(status, 2);
  assert.match(stderr, 'Standard input is a folder');
});

test('a closed stderr stops nothing', async () => {
  for (const stderr of ['2>&-', '2>/dev/full']) {
    rmSync(at('quiet'), { recursive: true, force: true });
    const { status } = await shell(`sotto a.wav ${quick.join(' ')} -f txt -o quiet ${stderr}`);
    assert.is(status, 0, stderr);
    assert.equal(readdirSync(at('quiet')), ['a.txt']);
  }
});

test('what is wrong with files, folders and words is told before a model is loaded', async () => {
  writeFileSync(at('file'), '');
  mkdirSync(at('sub'), { recursive: true });
  writeFileSync(at('-dash.wav'), readFileSync(jfk));
  const rows: [string[], number, string][] = [
    [['nosuch.mp3'], 1, 'sotto: nosuch.mp3: There is no file nosuch.mp3.'],
    [['a.mp3', 'c.mp3'], 1, 'There is no file a.mp3.\n  Did you mean a.wav?\nsotto: c.mp3: There is no file c.mp3.'],
    [['sub'], 1, 'sub is a folder.'],
    [['hlep'], 2, 'There is no file hlep, and no command of that name.\n  Did you mean sotto help?'],
    [['server'], 2, 'Did you mean sotto serve?'],
    [['serve', 'a.wav'], 2, 'serve takes no file, and was given a.wav.'],
    [['serve', '--host', '0.0.0.0'], 2, 'At 0.0.0.0 the server is open to other machines, and no key is set.'],
    [['serve', '--tls_key', 'key.pem'], 2, '--tls_cert and --tls_key are given together.'],
    [['serve', '--beam_size', '0'], 2, '--beam_size takes a whole number from 1 to 256, not "0".'],
    [['a.wav', '-o', 'file'], 1, 'Nothing can be written to the folder file: it is a file.'],
    [['a.wav', '-o', '/dev/null/x'], 1, 'Nothing can be written to the folder /dev/null/x: /dev/null is a file.'],
    [['a.wav', '-o', '/proc/none/x'], 1, 'Nothing can be written to the folder /proc/none/x: '],
    [['-', '-o', 'file'], 1, 'Nothing can be written to the folder file: it is a file.'],
    [['-dash.wav'], 2, 'There is no option -dash.wav.\n  If you mean the file: ./-dash.wav'],
  ];
  for (const [args, wanted, words] of rows) {
    const { status, stdout, stderr } = await run([...args, '--model', at('model'), '--device', 'cpu']);
    assert.is(status, wanted, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, words);
    assert.is(stdout, '');
    assert.not.match(stderr, /\n\s+at /);
    assert.not.match(stderr, isLoaded);
  }
});

test('recordings that cannot be are told first, and the others transcribed', async () => {
  writeFileSync(at('kept.txt'), 'kept');
  chmodSync(at('kept.txt'), 0o444);
  copyFileSync(jfk, at('kept.wav'));
  const { status, stderr } = await run([
    'a.wav',
    'none.wav',
    'kept.wav',
    'a.wav',
    ...quick,
    '-f',
    'txt',
    '--verbose',
    'False',
  ]);
  assert.is(status, 1);
  const loading = stderr.search(isLoaded);
  assert.ok(loading > stderr.indexOf('There is no file none.wav.'));
  assert.ok(loading > stderr.indexOf('kept.txt is there, and may not be written: it is not replaced.'));
  assert.match(stderr, 'sotto: a.wav is named more than once, and transcribed once.');
  assert.is(readFileSync(at('kept.txt'), 'utf8'), 'kept');
  assert.ok(readFileSync(at('a.txt'), 'utf8').length > 0);
});

test('what cannot be written in the end is kept elsewhere, and the next recording is transcribed', async () => {
  mkdirSync(at('late'));
  mkdirSync(at('tmp'));
  let isBlocked = false;
  const { status, stderr } = await run(
    ['a.wav', 'b.wav', ...quick, '-f', 'txt,srt', '-o', 'late', '--verbose', 'False'],
    {
      env: { TMPDIR: at('tmp') },
      onStderr(text) {
        if (isBlocked || !/^transcribing/m.test(text)) return;
        isBlocked = true;
        mkdirSync(at('late/a.srt'));
      },
    },
  );
  assert.is(status, 1, stderr);
  const words =
    'sotto: a.wav: late/a.srt cannot be written: it is a folder. Written: late/a.txt.\n  What was to be written is in ';
  assert.match(stderr, words);
  assert.not.match(stderr, /\n\s+at /);
  assert.equal(readdirSync(at('late')).sort(), ['a.srt', 'a.txt', 'b.srt', 'b.txt']);
  const [kept] = readdirSync(at('tmp'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('a.srt'));
  assert.match(readFileSync(at(`tmp/${kept}`), 'utf8'), '-->');
});

test('recordings of one name keep a transcript each, also in a batch', async () => {
  for (const name of ['one', 'two']) {
    mkdirSync(at(name));
    copyFileSync(jfk, at(`${name}/talk.wav`));
  }
  for (const more of [[], ['--batch_size', '2']]) {
    const out = at(`same${more.length}`);
    const args = ['one/talk.wav', 'two/talk.wav', 'a.wav', ...quick, ...more, '-f', 'txt,srt', '-o', out];
    const { status, stderr } = await run([...args, '--verbose', 'False']);
    assert.is(status, 0, stderr);
    assert.match(stderr, `one/talk.wav: its name is another's too, so it gives ${join(out, 'one/talk.txt')}, `);
    const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));
    assert.equal(files.sort(), ['a.srt', 'a.txt', 'one/talk.srt', 'one/talk.txt', 'two/talk.srt', 'two/talk.txt']);
  }
});

test('help, version and their like are words too', async () => {
  assert.match((await run(['help'])).stdout, 'Usage:');
  assert.match((await run(['help', 'convert'])).stdout, 'sotto convert SRC DST');
  assert.match((await run(['version'])).stdout, /^\d+\.\d+\.\d+\n$/);
});

test.run();
