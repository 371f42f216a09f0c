/** Clips, end to end, in another runtime: `transcribeFiles.ts` in a process of its own against openai/whisper's tokens. */
import * as assert from 'uvu/assert';
import type { Clip } from '../support/clips.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { run } from './children.ts';
import type { TranscribedFile } from './page.ts';

/** The program as it is built, and as it is written: for runtimes that read TypeScript. */
export const PROGRAM = { built: 'dist/test/runtimes/transcribeFiles.js', source: 'test/runtimes/transcribeFiles.ts' };

/**
 * @param runtime how it is started: program and arguments before the script
 * @returns the device that it ran on
 */
export async function assertTranscribes(
  runtime: readonly [program: string, ...args: string[]],
  device: 'cpu' | 'webgpu',
  clips: readonly Clip[],
  env: Readonly<Record<string, string | undefined>> = {},
  program: string = PROGRAM.built,
): Promise<string> {
  const [binary, ...before] = runtime;
  const paths = clips.map((clip) => clip.path);
  const { output, status } = await run(binary, [...before, program, await tinyModel(), device, ...paths], env);
  assert.is(status, 0, output);
  const lines = output.split('\n').filter((line) => line.startsWith('{"path"'));
  // Printed by our own program.
  const results = lines.map((line) => JSON.parse(line) as TranscribedFile);
  assert.is(results.length, clips.length, output);
  for (const [i, clip] of clips.entries()) assertTokens(clip, results[i]!);
  return results[0]!.device;
}

/** Tokens of all segments, time stamps included, and the text. */
export function assertTokens(clip: Clip, result: Pick<TranscribedFile, 'tokens' | 'text'>): void {
  assert.equal(result.tokens, clip.tokens, `${clip.name}: "${result.text}" instead of "${clip.text}"`);
  assert.is(result.text, clip.text, clip.name);
}
