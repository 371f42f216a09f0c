/** The words of a recording: on the GPU in each storage type, against the CPU's in f32. */
import { join } from 'node:path';
import { load, type NodeLoadOptions } from '../../src/index.node.ts';
import { repoRoot } from '../../test/support/paths.ts';
import { attempt, type PartOptions } from './notes.ts';

export async function tokens({ note }: PartOptions): Promise<void> {
  const said = async (options: NodeLoadOptions) => {
    const whisper = await load('tiny-demo', options);
    try {
      const started = performance.now();
      const { segments } = await whisper.transcribe(join(repoRoot, 'assets/jfk.wav'), { language: 'en' });
      const ms = performance.now() - started;
      return { tokens: segments.flatMap((segment) => [...segment.tokens]), ms };
    } finally {
      await whisper.close();
    }
  };
  const expected = await said({ device: 'cpu', dtype: 'f32' });
  note({ device: 'cpu', dtype: 'f32', tokens: expected.tokens.length, ms: expected.ms });
  for (const dtype of ['f32', 'f16', 'int8'] as const)
    await attempt(note, dtype, async () => {
      const { tokens, ms } = await said({ device: 'webgpu', dtype });
      const equal = expected.tokens.filter((token, i) => tokens[i] === token).length;
      note({ device: 'webgpu', dtype, equal, of: expected.tokens.length, sampled: tokens.length, ms });
    });
}
