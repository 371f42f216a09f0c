import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isMpegAudio } from '../../../src/audio/codecs/mp3.ts';
import { decodeWhole } from '../../../src/audio/decode.ts';
import { concat } from '../../../src/base/bytes.ts';
import { ffmpegEncode, ffmpegOrSkip } from '../../support/ffmpeg.ts';
import { codeOf } from '../../support/throws.ts';
import { isAsFfmpegHears } from '../againstFfmpeg.ts';
import { noise, sweep, wavFile } from '../sounds.ts';

const test = suite('mp3');

const join = (...parts: readonly Uint8Array[]): Uint8Array => concat(Uint8Array, parts);
const text = (value: string): Uint8Array => Uint8Array.from(value, (c) => c.charCodeAt(0));
/** Bytes below 128, in which no frame can begin. */
const junk = (length: number): Uint8Array => Uint8Array.from(noise(length, 1), (v) => 64 + 60 * v);

/** Frames of layer III without sound, 64 kb/s. */
function silence(count: number, kind: '44100 stereo' | '22050 mono' = '44100 stereo'): Uint8Array {
  const [header, size] = kind === '44100 stereo' ? [[0xff, 0xfb, 0x50, 0x00], 208] : [[0xff, 0xf3, 0x80, 0xc0], 208];
  const frame = new Uint8Array(size);
  frame.set(header);
  return join(...new Array<Uint8Array>(count).fill(frame));
}

/** A tag of ID3v2 with `size` bytes in it. */
function id3(size: number): Uint8Array {
  const sizes = [21, 14, 7, 0].map((shift) => (size >> shift) & 127);
  return join(text('ID3\x04\0\0'), Uint8Array.from(sizes), junk(size));
}

test('MPEG audio is told by frames that follow one another', () => {
  const rows: readonly (readonly [what: string, bytes: Uint8Array, expected: boolean])[] = [
    ['nothing', new Uint8Array(0), false],
    ['one frame that is the whole', silence(1), true],
    ['seven frames and more', join(silence(7), junk(9000)), true],
    ['six frames and other things', join(silence(6), junk(9000)), false],
    ['zeros before', join(new Uint8Array(90_000), silence(7), junk(100)), true],
    ['zeros and a tag before', join(new Uint8Array(5000), id3(300), silence(7), junk(9000)), true],
    ['less of other things before', join(junk(1000), silence(20)), true],
    ['more of other things before', join(junk(9000), silence(20)), false],
    ['here and there a frame', join(...new Array<Uint8Array>(20).fill(join(silence(3), junk(300)))), false],
    ['noise', Uint8Array.from(noise(60_000, 3), (v) => 128 + 127 * v), false],
  ];
  for (const [what, bytes, expected] of rows) assert.is(isMpegAudio(bytes, true), expected, what);
});

test('other containers are not taken for MP3, whatever frames they hold', async () => {
  const frames = silence(300);
  const adts = join(...new Array<Uint8Array>(9).fill(Uint8Array.of(0xff, 0xf1, 0x50, 0x80, 1, 0x1f, 0xfc, 0)));
  const transport = concat(
    Uint8Array,
    Array.from({ length: 9 }, () => join(text('G'), silence(1).subarray(21))),
  );
  const starts: readonly (readonly [name: string, start: Uint8Array])[] = [
    ['MPEG program stream', text('\0\0\x01\xba')],
    ['MPEG transport stream', transport],
    ['Wave64', text('riff\x2e\x91\xcf\x11\xa5\xd6')],
    ['VOC', text('Creative Voice File\x1a')],
    ['NIST SPHERE', text('NIST_1A\n   1024\n')],
    ['IRCAM', text('\x64\xa3\x02\x00')],
    ['IRCAM', text('\x00\x02\xa3\x64')],
    ['AIFF', text('FORM\0\0\0\0AIFF')],
    ['AU', text('.snd')],
    ['CAF', text('caff')],
    ['AMR', text('#!AMR\n')],
    ['AAC', adts],
    ['RealMedia', text('.RMF')],
    ['ASF', text('\x30\x26\xb2\x75\x8e\x66\xcf\x11')],
    ['AVI', text('RIFF\0\0\0\0AVI ')],
    ['MP4', text('\0\0\0\x18ftypM4A ')],
    ['WebM', text('\x1aE\xdf\xa3')],
    ['playlist', text('#EXTM3U\n')],
  ];
  for (const [name, start] of starts) {
    let message = '';
    const code = await codeOf(async () => {
      try {
        await decodeWhole(join(start, frames));
      } catch (error) {
        message = String(error);
        throw error;
      }
    });
    assert.is(code, 'unsupported', name);
    assert.match(message, name);
  }
});

test('rates and channels that change are followed; the first frame of a new rate counts at the old one', async () => {
  // 30 frames of 1152 at 44.1 kHz; 40 of 576 at 22.05 kHz, of which one at 44.1; the end of the first filter is lost.
  const file = join(silence(30), silence(40, '22050 mono'));
  const samples = await decodeWhole(file);
  const seconds = (30 * 1152) / 44100 + 576 / 44100 + (39 * 576) / 22050;
  assert.ok(Math.abs(samples.length - 16000 * seconds) < 40, `${samples.length}, not ${16000 * seconds}`);
});

test('frames between other things, and cut off, give no more than was in them', async () => {
  const sounding = silence(10);
  const counts: readonly (readonly [what: string, bytes: Uint8Array, nFrames: number])[] = [
    ['as it is', sounding, 10],
    ['a tag of several megabytes', join(id3(5_000_000), sounding), 10],
    ['two tags', join(id3(100), id3(3000), sounding), 10],
    ['zeros between', join(sounding, new Uint8Array(999), sounding), 20],
    ['after other bytes a frame is dropped', join(sounding, junk(999), sounding), 19],
    ['a tag at the end', join(sounding, text('TAG'), junk(125)), 10],
    ['APE tag at the end', join(sounding, text('APETAGEX'), junk(300)), 10],
    ['cut off', sounding.subarray(0, sounding.length - 50), 10],
    ['in WAV', wavFile({ tag: 0x55, bits: 0, data: sounding }), 10],
  ];
  for (const [what, bytes, nFrames] of counts) {
    const { length } = await decodeWhole(bytes);
    assert.ok(Math.abs(length - (nFrames * 1152 * 16000) / 44100) <= 1, `${what}: ${length}`);
  }
});

test('joined files of every kind are heard as ffmpeg hears them', async () => {
  if (!ffmpegOrSkip('joined MP3 against ffmpeg')) return;
  // Long enough for ffmpeg not to meet the second rate while it opens the file.
  const sound = sweep(120_000, 1);
  const bare = ['-write_xing', '0', '-id3v2_version', '0'];
  const [a, b, whole, mp2] = [
    ffmpegEncode(sound, 44100, 1, ['-f', 'mp3', ...bare]),
    ffmpegEncode(sound, 22050, 2, ['-f', 'mp3', ...bare]),
    ffmpegEncode(sound, 44100, 1, ['-f', 'mp3']),
    ffmpegEncode(sound, 48000, 1, ['-f', 'mp2', '-c:a', 'mp2']),
  ];
  const hole = join(a.subarray(0, 5000), a.subarray(5400));
  const cases: readonly (readonly [name: string, file: Uint8Array, largest: number])[] = [
    ['another rate, more channels', join(a, b), 1],
    ['another rate, fewer channels', join(b, a), 1],
    ['another layer', join(a, mp2), 1],
    ['layer II', mp2, 0],
    ['with headers', join(whole, whole), 1],
    ['with headers, three', join(whole, b, whole), 1],
    ['a tag of ID3v1 between', join(a, text('TAG'), junk(125), a), 1],
    ['a tag of ID3v2 between', join(a, id3(700), b), 1],
    ['zeros between', join(a, new Uint8Array(700), a), 1],
    ['zeros before', join(new Uint8Array(700), whole), 1],
    ['other things between', join(a, junk(3000), b), 1],
    ['other things before', join(junk(3000), a), 1],
    ['cut off', a.subarray(0, a.length - 100), 1],
    ['a hole in the bit reservoir', hole, 1],
    ['in WAV', wavFile({ tag: 0x55, bits: 0, sampleRate: 44100, data: a }), 1],
  ];
  for (const [name, file, largest] of cases) await isAsFfmpegHears(file, largest, name);
});

test.run();
