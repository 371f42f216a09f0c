/**
 * Where a clip's tokens part from openai/whisper's, and how near the two candidates were, by log-probability after the
 * rules. Says it for our own decoding of the file and for ffmpeg's, so that a decoder's rounding shows as such.
 *
 *   node dist/bench/firstDifference.js tiny fr_fleurs_2.ogg pt_fleurs_1.ogg
 */
import { readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { resolveDecodingOptions } from '../src/decode/options.ts';
import { logitRules } from '../src/decode/rules.ts';
import { load } from '../src/index.node.ts';
import { applyRules, type LogitRules, ruleState } from '../src/rules/logitRules.ts';
import { ffmpegSamples } from '../test/support/ffmpeg.ts';
import { repoRoot } from '../test/support/paths.ts';

interface Step {
  readonly sampled: readonly number[];
  readonly logits: Float32Array;
}

const [model = 'tiny', ...clips] = process.argv.slice(2);
const shared = join(repoRoot, '../shared');
const whisper = await load(model, { device: 'cpu', threads: 1 });

for (const clip of clips) {
  const name = basename(clip, extname(clip));
  const reference = JSON.parse(readFileSync(join(shared, 'reference', model, `${name}.greedy.json`), 'utf8')) as {
    segments: { tokens: number[] }[];
    margin: number;
  };
  const wanted = reference.segments.flatMap((segment) => segment.tokens);
  const path = join(shared, 'speech', clip);
  const samples = ffmpegSamples(path);
  await compare(`${clip}, decoded by sotto`, path, wanted);
  await compare(
    `${clip}, decoded by ffmpeg`,
    Float32Array.from(samples, (s) => s / 32768),
    wanted,
  );
  console.log(`  smallest margin in the reference: ${reference.margin}`);
}
await whisper.close();

async function compare(title: string, audio: string | Float32Array, wanted: readonly number[]): Promise<void> {
  const steps: Step[] = [];
  const { segments } = await whisper.transcribe(audio, {
    temperature: 0,
    logitFilter: (logits, sampled) => void steps.push({ sampled: [...sampled], logits: logits.slice() }),
  });
  const ours = segments.flatMap((segment) => segment.tokens);
  const at = ours.findIndex((token, i) => token !== wanted[i]);
  if (at < 0 && ours.length === wanted.length) return console.log(`${title}: equal, ${ours.length} tokens`);
  const index = at < 0 ? ours.length : at;
  const before = ours.slice(Math.max(0, index - 4), index);
  const rules: LogitRules = logitRules(whisper.tokenizer, resolveDecodingOptions({}));
  const step = steps.find(({ sampled }) => before.every((token, i) => sampled.at(i - before.length) === token));
  if (!step) return console.log(`${title}: differs at token ${index}, in a window that was cut elsewhere`);
  const logSum = applyRules(step.logits, ruleState(step.sampled, rules), rules);
  const say = (id: number | undefined): string =>
    id === undefined
      ? 'nothing'
      : `${id} ${JSON.stringify(whisper.tokenizer.decodeWithTimestamps([id]))} ${(step.logits[id]! - logSum).toFixed(5)}`;
  console.log(
    `${title}: differs at token ${index} of ${wanted.length}: ${say(ours[index])} against ${say(wanted[index])}`,
  );
}
