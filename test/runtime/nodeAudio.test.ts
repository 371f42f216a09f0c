/** Files, pipes, devices, bytes and streams in Node: each gives the same samples, or an error within bounds. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  createReadStream,
  existsSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError } from '../../src/base/errors.ts';
import type { Warning } from '../../src/base/progress.ts';
import { openSound, readAudio } from '../../src/runtime/nodeAudio.ts';
import { liveSamples } from '../../src/runtime/nodeLive.ts';
import { toneMp3 } from '../audio/encoded.ts';
import { integerBytes, noise, wavFile } from '../audio/sounds.ts';
import { ffmpegEncode, ffmpegOrSkip } from '../support/ffmpeg.ts';
import { inFolder } from '../support/folder.ts';
import { reasonOf, throws } from '../support/throws.ts';

const test = suite('nodeAudio');

const values = Int16Array.from(noise(400_000, 1), (value) => 30_000 * value);
const samples = Float32Array.from(values, (value) => value / 32768);
const wav = wavFile({ tag: 1, bits: 16, data: integerBytes(values, 16) });

async function* inPieces(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('paths, addresses of files, bytes, Blobs, streams and responses give the same', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'a ü%20.wav');
    writeFileSync(path, wav);
    for (const input of [
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      wav,
      new Blob([wav.slice()]),
      new File([wav.slice()], 'a.wav'),
      createReadStream(path),
      inPieces(wav),
      new Response(wav.slice()),
      new Blob([wav.slice()]).stream(),
      `data:audio/wav;base64,${Buffer.from(wav).toString('base64')}`,
    ])
      assert.equal(await readAudio(input), samples);
  });
});

test('a stream of more than is held in memory is kept in a file, and removed', async () => {
  const long = Int16Array.from(noise(5_000_000, 2), (value) => 30_000 * value);
  const bytes = wavFile({ tag: 1, bits: 16, data: integerBytes(long, 16) });
  await inFolder(async () => {
    const sound = await openSound({ kind: 'stream', stream: inPieces(bytes) });
    assert.is(readdirSync(tmpdir()).length, 1);
    for (let pass = 0; pass < 2; pass++) {
      let at = 0;
      for await (const piece of sound.read())
        for (const value of piece) if (value !== long[at++]! / 32768) assert.unreachable(`sample ${at - 1}`);
      assert.is(at, long.length);
    }
    await sound.close?.();
    assert.equal(readdirSync(tmpdir()), []);
    const controller = new AbortController();
    async function* aborted(): AsyncGenerator<Uint8Array> {
      for await (const piece of inPieces(bytes)) {
        yield piece;
        if (readdirSync(tmpdir()).length > 0) controller.abort(new Error('enough'));
      }
    }
    assert.is(String(await reasonOf(readAudio(aborted(), { signal: controller.signal }))), 'Error: enough');
  });
});

const statusOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.on('close', (code) => resolve(code)));

test('pipes take any format, an empty one is empty', async () => {
  if (process.platform === 'win32') return;
  await inFolder(async (folder) => {
    const fifo = join(folder, 'fifo');
    assert.is(spawnSync('mkfifo', [fifo]).status, 0);
    const files: Record<string, Uint8Array> = { 'a.wav': wav, 'a.mp3': toneMp3 };
    if (ffmpegOrSkip('pipes of m4a and webm')) {
      files['a.au'] = ffmpegEncode(samples, 16000, 1, ['-f', 'au', '-c:a', 'pcm_s16be']);
      const m4a = join(folder, 'a.m4a');
      spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=duration=3', m4a]);
      files['a.m4a'] = readFileSync(m4a);
    }
    for (const [name, bytes] of Object.entries(files)) {
      const file = join(folder, name);
      writeFileSync(file, bytes);
      const wanted = await readAudio(file);
      assert.ok(wanted.length > 1000);
      const written = statusOf(spawn('sh', ['-c', `cat '${file}' > '${fifo}'`]));
      assert.equal(await readAudio(fifo), wanted, name);
      assert.is(await written, 0);
      const probe = `import { readAudio } from ${JSON.stringify(new URL('../../src/runtime/nodeAudio.js', import.meta.url).href)};
        console.log((await readAudio(process.argv[1])).length);`;
      const command = (words: string) =>
        spawnSync('bash', ['-c', words, 'bash', process.execPath, probe, file], { encoding: 'utf8' });
      for (const words of [
        '"$1" --input-type=module -e "$2" /dev/stdin < "$3"',
        'cat "$3" | "$1" --input-type=module -e "$2" /dev/stdin',
        '"$1" --input-type=module -e "$2" <(cat "$3")',
        '"$1" --input-type=module -e "$2" /dev/fd/7 7< "$3"',
      ]) {
        const { stdout, stderr } = command(words);
        assert.is(stdout.trim(), `${wanted.length}`, `${name}: ${words}: ${stderr}`);
      }
    }
    const nothing = statusOf(spawn('sh', ['-c', `: > '${fifo}'`]));
    await throws(AudioError, 'empty', readAudio(fifo));
    assert.is(await nothing, 0);
  });
});

test('a pipe nobody writes to can be left', async () => {
  if (process.platform === 'win32') return;
  await inFolder(async (folder) => {
    const fifo = join(folder, 'fifo');
    assert.is(spawnSync('mkfifo', [fifo]).status, 0);
    const controller = new AbortController();
    const reading = reasonOf(readAudio(fifo, { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error('enough')), 50);
    assert.is(String(await reading), 'Error: enough');
    // Lets the open() that waits in a thread of Node's go.
    spawnSync('sh', ['-c', `: > '${fifo}'`]);
  });
});

test('folders, devices, missing and empty files have their sentence', async () => {
  await inFolder(async (folder) => {
    await throws(AudioError, 'file', readAudio(folder), 'is a folder');
    await throws(AudioError, 'notFound', readAudio(join(folder, 'none.wav')));
    await throws(AudioError, 'notFound', readAudio(join(folder, 'x'.repeat(100), 'none.wav')));
    await throws(AudioError, 'file', readAudio(join(folder, 'x'.repeat(300))), 'cannot be read: its name is too long.');
    await throws(AudioError, 'file', readAudio('a\0.wav'), 'its name has a zero byte in it.');
    // Text, or bytes as text, that were given in place of a path or with an address' beginning.
    for (const long of ['x'.repeat(30_000), `data:,${'x'.repeat(100_000)}`, `blob:${'x'.repeat(100_000)}`]) {
      const error = await reasonOf(readAudio(long));
      assert.instance(error, AudioError);
      assert.ok(String(error).length < 500, `${String(error).length} characters`);
    }
    writeFileSync(join(folder, 'empty.wav'), '');
    await throws(AudioError, 'empty', readAudio(join(folder, 'empty.wav')));
    await throws(AudioError, 'file', readAudio(join(folder, 'empty.wav', 'a.wav')), 'a part of its path is a file');
    for (const device of ['/dev/zero', '/dev/urandom', '/dev/null'])
      if (existsSync(device)) await throws(AudioError, 'file', readAudio(device), 'is a device');
    // No size, and a content.
    if (existsSync('/proc/cpuinfo')) assert.instance(await reasonOf(readAudio('/proc/cpuinfo')), AudioError);
  });
});

test('a stream of zeros or noise is refused before all of it is kept', async () => {
  for (const byte of [0, 0xff, 0x5a]) {
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; given < 1 << 30; given += 1 << 20) yield new Uint8Array(1 << 20).fill(byte);
    }
    const error = await reasonOf(readAudio(endless()));
    assert.instance(error, AudioError);
    assert.ok(given < 1 << 25, `${given} bytes of ${byte}`);
  }
});

test('a long stream with a picture before its sound, or its index at the end, is kept', async () => {
  await inFolder(async (folder) => {
    const size = 9 << 20;
    const sizeBytes = [21, 14, 7, 0].map((shift) => (size >> shift) & 0x7f);
    const tagged = Buffer.concat([Buffer.from([0x49, 0x44, 0x33, 4, 0, 0, ...sizeBytes]), Buffer.alloc(size), toneMp3]);
    assert.equal(await readAudio(inPieces(tagged)), await readAudio(toneMp3));
    if (!ffmpegOrSkip('a long stream of m4a')) return;
    const file = join(folder, 'a.mov');
    const input = ['-f', 'lavfi', '-i', 'sine=duration=100:sample_rate=48000'];
    spawnSync('ffmpeg', ['-v', 'error', ...input, '-c:a', 'pcm_s16le', file]);
    const bytes = readFileSync(file);
    assert.ok(bytes.length > 1 << 23);
    assert.is((await readAudio(inPieces(bytes))).length, (await readAudio(file)).length);
  });
});

test('a file that grows counts as it was, one that shrinks is told of', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'a.wav');
    // A recorder's header does not know the length.
    const header = wavFile({ tag: 1, bits: 16, data: new Uint8Array(0), dataSize: 0xffffffff });
    writeFileSync(path, Buffer.concat([header, integerBytes(values, 16)]));
    const growing = await openSound({ kind: 'address', address: path });
    let n = 0;
    for await (const piece of growing.read()) {
      n += piece.length;
      appendFileSync(path, new Uint8Array(100_000));
    }
    await growing.close?.();
    assert.is(n, values.length);
    writeFileSync(path, wav);
    const warnings: Warning[] = [];
    const onWarning = (warning: Warning): void => void warnings.push(warning);
    const shrinking = await openSound({ kind: 'address', address: path }, { onWarning });
    truncateSync(path, 44 + 2 * 100_000);
    let left = 0;
    for await (const piece of shrinking.read({ onWarning })) left += piece.length;
    await shrinking.close?.();
    assert.is(left, 100_000);
    assert.is(warnings[0]?.code, 'audioTruncated');
  });
});

test('live: each format as it comes, and what has its index at the end when it is there', async () => {
  const all = async (bytes: AsyncIterable<Uint8Array>): Promise<Float32Array> => {
    const found: number[] = [];
    for await (const piece of liveSamples(bytes, undefined)) found.push(...piece);
    return Float32Array.from(found);
  };
  await inFolder(async (folder) => {
    assert.equal(await all(inPieces(wav)), samples);
    assert.is((await all(inPieces(new Uint8Array(0)))).length, 0);
    if (!ffmpegOrSkip('live sound through ffmpeg')) return;
    await throws(AudioError, 'undecodable', all(inPieces(Buffer.from('no sound'))), '--input_format');
    const formats: Record<string, string[]> = {
      'a.webm': ['-c:a', 'libopus'],
      'a.m4a': ['-c:a', 'aac'],
      'fast.m4a': ['-c:a', 'aac', '-movflags', 'faststart'],
      'a.ts': ['-c:a', 'aac'],
      'a.aiff': [],
    };
    for (const [name, options] of Object.entries(formats)) {
      const file = join(folder, name);
      spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=duration=5', ...options, file]);
      const wanted = await readAudio(file);
      const found = await all(inPieces(readFileSync(file), 3000));
      assert.equal(found, wanted, name);
    }
    // The first samples come long before the end.
    const file = join(folder, 'long.ts');
    spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=duration=300', '-c:a', 'aac', file]);
    let given = 0;
    const bytes = readFileSync(file);
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of inPieces(bytes, 10_000)) {
        given += piece.length;
        yield piece;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    for await (const _ of liveSamples(counted(), undefined)) break;
    assert.ok(given < bytes.length, `${given} of ${bytes.length} bytes`);
  });
});

test.run();
