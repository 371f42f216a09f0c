/** Our samples of a file against those of the installed ffmpeg. */
import * as assert from 'uvu/assert';
import { decodeWhole } from '../../src/audio/decode.ts';
import { ffmpegSamples } from '../support/ffmpeg.ts';

/** @param largest difference of two samples that is allowed, in 1/32768 */
export async function isAsFfmpegHears(file: Uint8Array, largest: number, name: string): Promise<void> {
  const actual = await decodeWhole(file);
  const expected = ffmpegSamples('-', [], file);
  assert.is(actual.length, expected.length, name);
  let most = 0;
  for (let i = 0; i < actual.length; i++) most = Math.max(most, Math.abs(actual[i]! * 32768 - expected[i]!));
  assert.ok(most <= largest, `${name}: a difference of ${most}`);
}
