/** The WAV file that a server makes of an upload has the samples that the command reads from it. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readWhole } from '../../src/audio/sound.ts';
import { AudioError } from '../../src/base/errors.ts';
import { openSound, readAudio } from '../../src/runtime/nodeAudio.ts';
import { ApiError } from '../../src/server/errors.ts';
import { prepareSound } from '../../src/server/prepareSound.ts';
import { integerBytes, wavFile } from '../audio/sounds.ts';
import { inFolder } from '../support/folder.ts';
import { sharedOrSkip } from '../support/paths.ts';
import { jfkPath } from '../support/testServer.ts';
import { throws } from '../support/throws.ts';

const test = suite('server/prepareSound');
const options = { openSound, maxSeconds: 3600, signal: new AbortController().signal, onWarning: () => {} };

async function samplesOrCode(path: string): Promise<Float32Array | string> {
  return readAudio(path).catch((error: unknown) => {
    assert.instance(error, AudioError);
    return (error as AudioError).code; // the line above
  });
}

test('recordings of every kind, and those that cannot be read', async () => {
  const shared = sharedOrSkip('recordings of every kind, as the server keeps them');
  const speech =
    shared === undefined ? [] : readdirSync(join(shared, 'speech')).filter((name) => /^(edge|de|zh)_/.test(name));
  const paths = [jfkPath, ...speech.map((name) => join(shared ?? '', 'speech', name))];
  await inFolder(async (folder) => {
    for (const [i, path] of paths.entries()) {
      const wanted = await samplesOrCode(path);
      const target = join(folder, `${i}.wav`);
      if (typeof wanted === 'string') {
        await throws(AudioError, wanted as AudioError['code'], () => prepareSound(path, target, options)); // of one
        continue;
      }
      const { seconds } = await prepareSound(path, target, options);
      assert.is(seconds, wanted.length / 16_000, path);
      if (wanted.length === 0) continue;
      const got = await readAudio(target);
      assert.is(got.length, wanted.length, path);
      assert.ok(Buffer.from(got.buffer).equals(Buffer.from(wanted.buffer, 0, 4 * wanted.length)), path);
    }
  });
});

test('channels that are speakers stay apart; one channel alone is refused', async () => {
  await inFolder(async (folder) => {
    const values = Int16Array.from({ length: 96_000 }, (_, i) => 9000 * Math.sin((i % 2 === 0 ? 0.01 : 0.05) * i));
    const path = join(folder, 'a.wav');
    writeFileSync(
      path,
      wavFile({ tag: 1, bits: 16, sampleRate: 24_000, nChannels: 2, data: integerBytes(values, 16) }),
    );
    const { seconds } = await prepareSound(path, join(folder, 'b.wav'), { ...options, keepsChannels: true });
    assert.is(seconds, 2);
    const channelsOf = async (address: string): Promise<Float32Array[]> => {
      const sound = await openSound({ kind: 'address', address });
      const read = await Promise.all(((await sound.channels?.()) ?? []).map((channel) => readWhole(channel)));
      await sound.close?.();
      return read;
    };
    const wanted = await channelsOf(path);
    assert.is(wanted.length, 2);
    const kept = await channelsOf(join(folder, 'b.wav'));
    for (const [c, samples] of wanted.entries()) {
      assert.is(kept[c]?.length, samples.length);
      assert.is(
        kept[c]?.findIndex((value, i) => value !== samples[i]),
        -1,
        `channel ${c}`,
      );
    }
    const refused = await prepareSound(jfkPath, join(folder, 'c.wav'), { ...options, keepsChannels: true }).catch(
      (reason: unknown) => reason,
    );
    assert.instance(refused, ApiError);
    assert.is((refused as ApiError).param, 'channels'); // the line above
  });
});

test('one that is longer than it may be is given up on the way', async () => {
  await inFolder(async (folder) => {
    let read = 0;
    const endless: typeof openSound = async () => ({
      async *read() {
        for (;;) {
          read++;
          yield new Float32Array(16_000);
        }
      },
    });
    const path = join(folder, 'a.wav');
    const error = await prepareSound(path, join(folder, 'b.wav'), {
      ...options,
      openSound: endless,
      maxSeconds: 3,
    }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, ApiError);
    assert.is((error as ApiError).code, 'audio_too_long'); // the line above
    assert.is(read, 4);
  });
});

test('a folder that is gone is no fault of the client', async () => {
  await inFolder(async (folder) => {
    mkdirSync(join(folder, 'in'));
    writeFileSync(join(folder, 'in/a.wav'), 'x');
    const error = await prepareSound(jfkPath, join(folder, 'none/b.wav'), options).catch((reason: unknown) => reason);
    assert.is((error as NodeJS.ErrnoException).code, 'ENOENT'); // of the system
  });
});

test.run();
