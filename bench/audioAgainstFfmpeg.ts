/**
 * Our decoders and resampler against the installed ffmpeg, over every recording in a folder (the shared ones if none
 * is given): samples of both, how many differ, by how much at most (in 1/32768), and the time ours takes.
 *
 *   node dist/bench/audioAgainstFfmpeg.js [FOLDER] [--json FILE]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeWhole } from '../src/audio/decode.ts';
import { AudioError } from '../src/base/errors.ts';
import { ffmpegSamples } from '../test/support/ffmpeg.ts';
import { sharedDir } from '../test/support/paths.ts';

const args = process.argv.slice(2);
const jsonAt = args.indexOf('--json');
const jsonFile = jsonAt >= 0 ? args.splice(jsonAt, 2)[1] : undefined;
const folder = args[0] ?? (sharedDir && join(sharedDir, 'speech'));
if (!folder) throw new Error('Give a folder with recordings.');

const rows = [];
for (const file of readdirSync(folder).sort()) {
  const bytes = new Uint8Array(readFileSync(join(folder, file)));
  const start = performance.now();
  const ours = await decodeOurs(file, bytes);
  if (!ours) continue;
  const ms = performance.now() - start;
  const theirs = ffmpegSamples(join(folder, file));
  let unequal = 0;
  let largest = 0;
  for (let i = 0; i < Math.min(ours.length, theirs.length); i++) {
    const difference = Math.abs(ours[i]! * 32768 - theirs[i]!);
    if (difference > 0) unequal++;
    largest = Math.max(largest, difference);
  }
  rows.push({ file, ours: ours.length, theirs: theirs.length, unequal, largest });
  const share = `${((100 * unequal) / Math.max(ours.length, 1)).toFixed(3)} %`;
  const lengths = ours.length === theirs.length ? `${ours.length}` : `${ours.length} not ${theirs.length}`;
  console.log(
    `${file.padEnd(28)} ${lengths.padStart(9)} ${share.padStart(10)} ${`${largest}`.padStart(3)} ${ms.toFixed(0).padStart(6)} ms`,
  );
}
const samples = rows.reduce((sum, row) => sum + row.ours, 0);
const unequal = rows.reduce((sum, row) => sum + row.unequal, 0);
console.log(`${rows.length} recordings, ${samples} samples, ${((100 * unequal) / samples).toFixed(4)} % differ`);
if (jsonFile) writeFileSync(jsonFile, `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`);

/** Undefined where only ffmpeg decodes. */
async function decodeOurs(file: string, bytes: Uint8Array): Promise<Float32Array | undefined> {
  try {
    return await decodeWhole(bytes, { onWarning: ({ message }) => console.error(`${file}: ${message}`) });
  } catch (error) {
    if (error instanceof AudioError && error.code === 'unsupported') return undefined;
    throw error;
  }
}
