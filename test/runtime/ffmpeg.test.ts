import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError } from '../../src/base/errors.ts';
import type { CallOptions, Progress } from '../../src/base/progress.ts';
import { decodeWithFfmpeg } from '../../src/runtime/ffmpeg.ts';
import { FFMPEG_FORMATS } from '../../src/runtime/ffmpegFormats.ts';
import { openSound, readAudio } from '../../src/runtime/nodeAudio.ts';
import { ffmpegEncode, ffmpegOrSkip } from '../support/ffmpeg.ts';
import { inFolder } from '../support/folder.ts';
import { reasonOf, throws } from '../support/throws.ts';

const test = suite('ffmpeg');

const encoding = new TextEncoder();

const tone = Float32Array.from({ length: 16000 }, (_, i) => 0.25 * Math.sin((2 * Math.PI * 440 * i) / 16000));
const encoded = (...output: string[]): Uint8Array => ffmpegEncode(tone, 16000, 1, output);

/** All samples of a file by ffmpeg alone. */
async function decoded(path: string, options: CallOptions = {}): Promise<number[]> {
  const samples: number[] = [];
  for await (const piece of decodeWithFfmpeg({ from: path, name: path }, options)) samples.push(...piece);
  return samples;
}

test('without ffmpeg on the PATH the error says what to do', async () => {
  const path = process.env.PATH;
  process.env.PATH = '';
  try {
    await throws(AudioError, 'unsupported', decoded('talk.m4a'), 'Install ffmpeg');
    await throws(AudioError, 'unsupported', readAudio(encoding.encode('no recording')), 'Install ffmpeg');
  } finally {
    process.env.PATH = path;
  }
});

test('bytes and paths decode alike, and leave nothing behind', async () => {
  if (!ffmpegOrSkip('transcoding')) return;
  const au = encoded('-f', 'au', '-c:a', 'pcm_s16be');
  await inFolder(async (folder) => {
    // A name that ffmpeg would take for a protocol, a pattern or an option.
    for (const name of ['a.au', 'concat:a|b', '-i', 'a%03d.au']) {
      const file = join(folder, name);
      writeFileSync(file, au);
      for (const input of [file, au, new Blob([au.slice()])]) {
        const samples = await readAudio(input);
        assert.is(samples.length, 16000);
        assert.ok(samples.every((v, i) => Math.abs(v - tone[i]!) <= 0.5 / 32768));
      }
    }
  });
});

/** Formats that ffmpeg tells by the file's name alone. */
const BY_NAME = ['aptx', 'g722', 'sbc'];

// What a recording may be in: container, codec, what else ffmpeg is told, and the name, where ffmpeg goes by it.
const containers: readonly (readonly [format: string, codec: string, more?: readonly string[]])[] = [
  ['ipod', 'aac'],
  ['mp4', 'aac'],
  ['mp4', 'alac'],
  ['mp4', 'aac', ['-movflags', 'frag_keyframe+empty_moov']],
  ['mov', 'pcm_s24le'],
  ['3gp', 'aac'],
  ['webm', 'libopus'],
  ['webm', 'libvorbis'],
  ['matroska', 'flac'],
  ['matroska', 'pcm_f32le'],
  ['avi', 'mp2'],
  ['flv', 'libmp3lame', ['-ar', '44100']],
  ['mpegts', 'aac'],
  ['mpeg', 'mp2'],
  ['asf', 'wmav2'],
  ['sbc', 'sbc', ['-ar', '16000']],
  ['smjpeg', 'pcm_s16le'],
  ['adts', 'aac'],
  ['latm', 'aac'],
  ['ac3', 'ac3'],
  ['eac3', 'eac3'],
  ['mp2', 'mp2'],
  ['aiff', 'pcm_s16be'],
  ['au', 'pcm_mulaw'],
  ['caf', 'pcm_s16le'],
  ['caf', 'alac'],
  ['w64', 'pcm_s16le'],
  ['rm', 'ac3'],
  ['tta', 'tta'],
  ['wv', 'wavpack'],
  ['voc', 'pcm_s16le'],
  ['wav', 'adpcm_ms'],
  ['wav', 'adpcm_ima_wav'],
  ['ircam', 'pcm_s16le'],
  ['sox', 'pcm_s32le'],
  ['nut', 'pcm_s16le'],
  ['mxf', 'pcm_s16le', ['-ar', '48000']],
  ['oma', 'atrac3p'],
  ['ogg', 'libspeex'],
  ['dts', 'dca', ['-strict', '-2']],
  ['truehd', 'truehd', ['-strict', '-2', '-ar', '48000']],
  ['swf', 'libmp3lame', ['-ar', '44100']],
  ['gxf', 'pcm_s16le', ['-ar', '48000']],
  ['amr', 'libopencore_amrnb', ['-ar', '8000']],
  ['gsm', 'libgsm', ['-ar', '8000']],
  ['aptx', 'aptx'],
  ['g722', 'g722'],
];

test('every container that holds its own sound is decoded', async () => {
  if (!ffmpegOrSkip('containers')) return;
  let tried = 0;
  await inFolder(async (folder) => {
    for (const [format, codec, more = []] of containers) {
      const file = join(folder, `${format}-${codec}.${BY_NAME.includes(format) ? format : 'bin'}`);
      const input = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=2', '-ar', '16000', '-ac', '1', '-c:a', codec];
      const made = spawnSync('ffmpeg', ['-v', 'error', ...input, ...more, '-f', format, file]);
      // Not every ffmpeg writes everything.
      if (made.status !== 0) continue;
      tried++;
      const samples = await decoded(file);
      const loudest = Math.max(...samples.map(Math.abs));
      assert.ok(samples.length > 28_000 && samples.length < 36_000, `${format}, ${codec}: ${samples.length} samples`);
      assert.ok(loudest > 0.02, `${format}, ${codec}: nothing is heard`);
    }
  });
  assert.ok(tried >= 30, `${tried} of ${containers.length} could be made`);
});

test('what names other files is refused with a sentence, and no other file is read', async () => {
  if (!ffmpegOrSkip('playlists')) return;
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'secret.mp3'), encoded('-f', 'mp3', '-c:a', 'libmp3lame'));
    writeFileSync(join(folder, 'secret.ts'), encoded('-f', 'mpegts', '-c:a', 'aac'));
    const secret = join(folder, 'secret');
    const lists: Record<string, string> = {
      'a.m3u8': `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\nfile://${secret}.ts\n#EXT-X-ENDLIST\n`,
      'relative.mp3': '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n',
      'list.txt': `ffconcat version 1.0\nfile 'secret.mp3'\n`,
      'a.sdp': 'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n',
      'a.mpd':
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period>' +
        '<AdaptationSet mimeType="audio/mpeg"><Representation id="1" bandwidth="1"><BaseURL>secret.mp3</BaseURL>' +
        '</Representation></AdaptationSet></Period></MPD>',
      'picture%d.png': 'x',
      'a.asx': '<asx version="3.0"><entry><ref href="secret.mp3"/></entry></asx>',
      'a.pls': '[playlist]\nFile1=secret.mp3\nNumberOfEntries=1\n',
      'a.cue': 'FILE "secret.mp3" MP3\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
      'a.sbg': 'tone: 200+10/50\nNOW tone\n',
    };
    for (const [name, text] of Object.entries(lists)) {
      const file = join(folder, name);
      writeFileSync(file, text);
      for (const input of [file, encoding.encode(text)]) {
        const sound = await openSound(
          input === file ? { kind: 'address', address: file } : { kind: 'bytes', bytes: encoding.encode(text) },
        );
        let n = 0;
        await throws(AudioError, 'undecodable', async () => {
          for await (const piece of sound.read()) n += piece.length;
        });
        await sound.close?.();
        assert.is(n, 0, name);
      }
    }
    await throws(AudioError, 'undecodable', readAudio(join(folder, 'a.m3u8')), 'playlist (hls)');
    await throws(AudioError, 'undecodable', readAudio(join(folder, 'list.txt')), 'playlist (concat)');
    writeFileSync(join(folder, 'subtitles'), '1\n00:00:00,000 --> 00:00:01,000\nhello\n');
    await throws(AudioError, 'undecodable', readAudio(join(folder, 'subtitles')), 'a text or subtitles (srt)');
    for (const protocol of ['concat:secret.mp3', 'subfile,,start,0,end,0,,:secret.mp3', 'pipe:0', 'lavfi:sine'])
      await throws(AudioError, 'notFound', readAudio(protocol));
  });
});

test('the list has no format that reads other files, devices or pictures', () => {
  const refused =
    /^(hls|dash|concat|imf|sdp|rtsp?|rtp|sap|lavfi|image2.*|.*_pipe|alsa|pulse|oss|v4l2|x11grab|fbdev|sbg|tty|webm_dash_manifest|libopenmpt|libgme|vobsub)$/;
  const found = FFMPEG_FORMATS.split(',').filter((name) => refused.test(name));
  assert.equal(found, []);
});

test("what is no recording is refused in ffmpeg's words, all of them", async () => {
  if (!ffmpegOrSkip('transcoding')) return;
  await inFolder(async (folder) => {
    await throws(AudioError, 'undecodable', readAudio(encoding.encode('no recording')), 'Invalid data');
    await throws(AudioError, 'undecodable', decoded(join(folder, 'not/there.m4a')), 'No such file');
    const cut = join(folder, 'cut.m4a');
    spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=duration=1', cut]);
    writeFileSync(cut, readFileSync(cut).subarray(0, 3000));
    await throws(AudioError, 'undecodable', readAudio(cut), 'moov atom not found; Invalid data');
    const silent = join(folder, 'silent.mp4');
    spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'color=size=16x16:duration=0.2', silent]);
    await throws(AudioError, 'undecodable', readAudio(silent), 'does not contain any stream');
  });
});

test("an aborted signal ends it with the signal's reason; leaving the loop ends ffmpeg", async () => {
  if (!ffmpegOrSkip('transcoding')) return;
  await inFolder(async (folder) => {
    const file = join(folder, 'long.au');
    writeFileSync(file, ffmpegEncode(new Float32Array(16000 * 600), 16000, 1, ['-f', 'au', '-c:a', 'pcm_s16be']));
    const controller = new AbortController();
    const { signal } = controller;
    const work = readAudio(file, { signal, onProgress: () => controller.abort(new Error('enough')) });
    assert.is(String(await reasonOf(work)), 'Error: enough');
    assert.is(String(await reasonOf(decoded(file, { signal }))), 'Error: enough');
    // It waits while its samples are not taken, and is ended then: this does not come back otherwise.
    for await (const piece of decodeWithFfmpeg({ from: file, name: file })) {
      assert.ok(piece.length <= 65_536);
      break;
    }
  });
});

test('progress follows the length that ffmpeg tells', async () => {
  if (!ffmpegOrSkip('transcoding')) return;
  await inFolder(async (folder) => {
    const file = join(folder, 'a.au');
    writeFileSync(file, ffmpegEncode(new Float32Array(16000 * 60), 16000, 1, ['-f', 'au', '-c:a', 'pcm_s16be']));
    const seen: Progress[] = [];
    await decoded(file, { onProgress: (progress) => seen.push(progress) });
    assert.ok(seen.length > 3);
    assert.ok(seen.every(({ total, unit }) => total === 60 && unit === 'seconds'));
    assert.is(seen.at(-1)!.done, 60);
  });
});

test.run();
