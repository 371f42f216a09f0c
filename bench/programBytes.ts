/** Bytes that a step of the decoder moves, counted from what its commands bind; and the least that it could. */
import { storageBytes } from '../src/engine/dtype.ts';
import { byteLength, type Program, type Tensor, uses } from '../src/engine/program.ts';
import type { ModelWeights } from '../src/model/weights.ts';

export interface StepSize {
  readonly rows: number;
  /** Of sound, whose keys and values are read. */
  readonly windows: number;
  /** Of text, that each row has behind it. */
  readonly positions: number;
}

export interface StepBytes {
  readonly bytes: number;
  /** Weights and caches in use, each once. */
  readonly floor: number;
}

export function stepBytes({ commands }: Program, weights: ModelWeights, size: StepSize): StepBytes {
  const once = new Map<Tensor, number>();
  let bytes = 0;
  for (const command of commands)
    for (const { tensor, access } of uses(command)) {
      const isRead = access !== 'write';
      const own = bytesUsed(tensor, isRead, command.kernel.name, weights, size);
      bytes += access === 'readwrite' && !isCache(tensor) ? 2 * own : own;
      const isCounted = isRead && (tensor.lifetime === 'weights' || isCache(tensor));
      if (isCounted) once.set(tensor, Math.max(own, once.get(tensor) ?? 0));
    }
  return { bytes, floor: [...once.values()].reduce((sum, each) => sum + each, 0) };
}

function isCache({ name }: Tensor): boolean {
  return /^(self|cross)\.(keys|values)/.test(name);
}

function bytesUsed(tensor: Tensor, isRead: boolean, kernel: string, weights: ModelWeights, size: StepSize): number {
  const { name, dtype, shape } = tensor;
  const all = byteLength(tensor);
  if (name.startsWith('cross.')) return (all * size.windows) / shape[0]!;
  if (isCache(tensor)) {
    const [slots = 1, nTextCtx = 1] = shape;
    const each = all / (slots * nTextCtx);
    return size.rows * each * (isRead ? size.positions : 1);
  }
  // A token is one row of these; only logits read all of the embedding.
  const isEmbedding = weights.embedding.some(({ table }) => table === tensor);
  if (isEmbedding && !/logit/i.test(kernel)) {
    const [, k = 0] = shape;
    return size.rows * storageBytes(dtype, [1, k, 1]);
  }
  if (tensor === weights.decoderPositions) return size.rows * storageBytes(dtype, [shape[1]!]);
  return all;
}
