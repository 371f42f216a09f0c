import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError } from '../../src/base/errors.ts';
import { transcodeWithFfmpeg } from '../../src/runtime/ffmpeg.ts';
import { ffmpegEncode, ffmpegOrSkip } from '../support/ffmpeg.ts';
import { reasonOf, throws } from '../support/throws.ts';

const test = suite('ffmpeg');

const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('sotto-'));

test('without ffmpeg on the PATH the error says what to do', async () => {
  const path = process.env.PATH;
  process.env.PATH = '';
  try {
    await throws(AudioError, 'unsupported', transcodeWithFfmpeg('talk.m4a'), 'Install ffmpeg');
  } finally {
    process.env.PATH = path;
  }
});

test('bytes and paths decode alike, and leave nothing behind', async () => {
  if (!ffmpegOrSkip('transcoding')) return;
  const tone = Float32Array.from({ length: 16000 }, (_, i) => 0.25 * Math.sin((2 * Math.PI * 440 * i) / 16000));
  const au = ffmpegEncode(tone, 16000, 1, ['-f', 'au', '-c:a', 'pcm_s16be']);
  const folder = mkdtempSync(join(tmpdir(), 'audio-'));
  const before = leftovers();
  try {
    // A name that ffmpeg would take for a protocol or an option.
    for (const name of ['a.au', 'concat:a|b', '-i']) {
      const file = join(folder, name);
      writeFileSync(file, au);
      for (const input of [file, au]) {
        const samples = await transcodeWithFfmpeg(input);
        assert.is(samples.length, 16000);
        assert.ok(samples.every((v, i) => v === Math.round(tone[i]! * 32768) || Math.abs(v - tone[i]! * 32768) <= 0.5));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.equal(leftovers(), before);
});

test("what is no recording is refused in ffmpeg's words", async () => {
  if (!ffmpegOrSkip('transcoding')) return;
  const bytes = Uint8Array.from('no recording', (c) => c.charCodeAt(0));
  await throws(AudioError, 'undecodable', transcodeWithFfmpeg(bytes), 'Invalid data');
  await throws(AudioError, 'undecodable', transcodeWithFfmpeg(join(tmpdir(), 'not/there.m4a')), 'No such file');
});

test("an aborted signal ends it with the signal's reason", async () => {
  if (!ffmpegOrSkip('transcoding')) return;
  const tone = new Float32Array(16000 * 60);
  const au = ffmpegEncode(tone, 16000, 1, ['-f', 'au', '-c:a', 'pcm_s16be']);
  const controller = new AbortController();
  const work = transcodeWithFfmpeg(au, controller.signal);
  controller.abort(new Error('enough'));
  assert.is(String(await reasonOf(work)), 'Error: enough');
});

test.run();
