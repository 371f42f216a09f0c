/** The channels of a recording, each as a sound of its own: to the bit what ffmpeg gives for it alone. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AudioInput, audioInput } from '../../src/audio/audioInput.ts';
import { memoryBytes } from '../../src/audio/byteSource.ts';
import { decodedSound } from '../../src/audio/decodedSound.ts';
import { pickChannel } from '../../src/audio/pickChannel.ts';
import { readWhole, type Sound } from '../../src/audio/sound.ts';
import { AudioError } from '../../src/base/errors.ts';
import { openSound } from '../../src/runtime/nodeAudio.ts';
import { ffmpegEncode, ffmpegOrSkip } from '../support/ffmpeg.ts';
import { inFolder } from '../support/folder.ts';
import { throws } from '../support/throws.ts';
import { integerBytes, noise, sweep, wavFile } from './sounds.ts';

const test = suite('channels');

/** 16-bit values of each channel as a WAV file. */
function interleaved(channels: readonly Int16Array[], sampleRate: number): Uint8Array {
  const nChannels = channels.length;
  const length = channels[0]?.length ?? 0;
  const values = Int16Array.from(
    { length: length * nChannels },
    (_, i) => channels[i % nChannels]![(i / nChannels) | 0]!,
  );
  return wavFile({ tag: 1, bits: 16, sampleRate, nChannels, data: integerBytes(values, 16) });
}

/** Says where two sounds part: their differences, printed, would be as long as they are. */
function isSame(got: Float32Array | undefined, wanted: Float32Array, name: string): void {
  assert.is(got?.length, wanted.length, name);
  assert.is(
    got?.findIndex((value, i) => value !== wanted[i]),
    -1,
    name,
  );
}

const int16 = (samples: Float32Array): Int16Array => Int16Array.from(samples, (value) => Math.round(30_000 * value));

async function channelsOf(sound: Sound): Promise<Float32Array[]> {
  const channels = (await sound.channels?.()) ?? [];
  const read: Float32Array[] = [];
  for (const channel of channels) read.push(await readWhole(channel));
  return read;
}

test('at 16 kHz a channel has the samples that were put into it, and the mix stays what it was', async () => {
  const planes = [int16(sweep(40_000, 1)), int16(noise(40_000, 2)), new Int16Array(40_000)];
  const sound = decodedSound(memoryBytes(interleaved(planes, 16_000)));
  for (const [c, samples] of (await channelsOf(sound)).entries()) {
    isSame(
      samples,
      Float32Array.from(planes[c]!, (value) => value / 32768),
      `channel ${c}`,
    );
  }
  const two = decodedSound(memoryBytes(interleaved(planes.slice(0, 2), 16_000)));
  const mixed = Float32Array.from(planes[0]!, (left, i) => ((left + planes[1]![i]! + 1) >> 1) / 32768);
  isSame(await readWhole(two), mixed, 'the mix');
});

test('samples in memory have channels too, and mono ones none', async () => {
  const [left, right] = [sweep(20_000, 3), noise(20_000, 4)];
  const opened = (audio: AudioInput): Sound => {
    const input = audioInput(audio);
    assert.is(input.kind, 'sound');
    return (input as { readonly sound: Sound }).sound; // the line above
  };
  const got = await channelsOf(opened({ channels: [left, right], sampleRate: 48_000 }));
  const alone = [opened({ samples: left, sampleRate: 48_000 }), opened({ samples: right, sampleRate: 48_000 })];
  for (const [c, sound] of alone.entries()) isSame(got[c], await readWhole(sound), `channel ${c}`);
  assert.is(opened(left).channels, undefined);
  assert.is(opened(int16(left)).channels, undefined);
});

test('a part with fewer channels than the beginning is an error', async () => {
  const format = { sampleFormat: 's16', sampleRate: 16_000, channelMask: 0 } as const;
  async function* pieces() {
    yield { ...format, nChannels: 2, channels: [new Int16Array(3), new Int16Array(3)] };
    yield { ...format, nChannels: 1, channels: [new Int16Array(3)] };
  }
  await throws(AudioError, 'channels', async () => {
    for await (const _ of pickChannel(pieces(), 1));
  });
});

if (ffmpegOrSkip('channels of recordings of every kind, against ffmpeg')) {
  const kinds = [
    ['wav', 44_100, 2, ['-f', 'wav', '-acodec', 'pcm_s16le']],
    ['wav', 8000, 2, ['-f', 'wav', '-acodec', 'pcm_mulaw']],
    ['flac', 48_000, 4, ['-f', 'flac']],
    ['mp3', 44_100, 2, ['-f', 'mp3', '-b:a', '64k']],
    // Of what ffmpeg decodes itself there must be no difference at all.
    ['mka', 44_100, 2, ['-f', 'matroska', '-acodec', 'aac']],
    ['mka', 48_000, 6, ['-f', 'matroska', '-acodec', 'ac3']],
  ] as const;
  for (const [extension, rate, nChannels, output] of kinds) {
    test(`${extension} of ${nChannels} channels at ${rate} Hz`, async () => {
      const planes = Array.from({ length: nChannels }, (_, c) => sweep(rate, c + 1));
      const samples = Float32Array.from(
        { length: rate * nChannels },
        (_, i) => planes[i % nChannels]![(i / nChannels) | 0]!,
      );
      const bytes = ffmpegEncode(samples, rate, nChannels, output);
      await inFolder(async (folder) => {
        const path = join(folder, `sound.${extension}`);
        writeFileSync(path, bytes);
        const sound = await openSound({ kind: 'address', address: path });
        try {
          const channels = await channelsOf(sound);
          assert.is(channels.length, nChannels);
          for (const [c, got] of channels.entries()) {
            const wanted = ffmpegChannel(path, c);
            assert.is(got.length, wanted.length, `length of channel ${c}`);
            const worst = got.reduce((most, value, i) => Math.max(most, Math.abs(32768 * value - wanted[i]!)), 0);
            assert.ok(worst <= (extension === 'mp3' ? 1 : 0), `channel ${c} is off by ${worst}`);
          }
        } finally {
          await sound.close?.();
        }
      });
    });
  }
}

/** 16 kHz, 16 bits. */
function ffmpegChannel(path: string, channel: number): Int16Array {
  const output = ['-f', 's16le', '-acodec', 'pcm_s16le', '-ar', '16000', '-'];
  const run = spawnSync('ffmpeg', ['-v', 'error', '-i', path, '-map_channel', `0.0.${channel}`, ...output]);
  assert.is(run.status, 0, String(run.stderr));
  return new Int16Array(new Uint8Array(run.stdout).buffer);
}

test.run();
