/** Clips, end to end, in another runtime: `transcribeFiles.ts` in a process of its own against openai/whisper's tokens. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Clip } from '../support/clips.ts';
import { inFolder } from '../support/folder.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { run } from './children.ts';
import type { TranscribedFile } from './page.ts';

/** The program as it is built, and as it is written: for runtimes that read TypeScript. */
export const PROGRAM = { built: 'dist/test/runtimes/transcribeFiles.js', source: 'test/runtimes/transcribeFiles.ts' };
export const COMMAND = 'dist/command/sotto.js';

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

/** The command, in this runtime: it writes what it hears. */
export async function assertCommandWrites(
  runtime: readonly [program: string, ...args: string[]],
  clip: Clip,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<void> {
  const [binary, ...before] = runtime;
  await inFolder(async (folder) => {
    const options = ['--device', 'cpu', '--temperature', '0', '--output_format', 'txt', '--output_dir', folder];
    const args = [...before, COMMAND, clip.path, '--model', await tinyModel(), ...options];
    const { output, status } = await run(binary, args, env);
    assert.is(status, 0, output);
    const [file = 'none'] = readdirSync(folder);
    const text = readFileSync(join(folder, file), 'utf8');
    assert.is(text.replaceAll('\n', ' ').trim(), clip.text.trim());
  });
}

/** Tokens of all segments, time stamps included, and the text. */
export function assertTokens(clip: Clip, result: Pick<TranscribedFile, 'tokens' | 'text'>): void {
  assert.equal(result.tokens, clip.tokens, `${clip.name}: "${result.text}" instead of "${clip.text}"`);
  assert.is(result.text, clip.text, clip.name);
}
