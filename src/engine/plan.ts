/**
 * Where scratch tensors live: by lifetime, in a few blocks that are used again and again.
 *
 * A tensor lives from the first command that names it to the last. Two whose lives touch never share a block, so inputs
 * and outputs of one command are always in different blocks (WebGPU refuses a buffer bound for reading and writing at
 * once). First fit over blocks, each grown to its largest tenant.
 */
import { byteLength, type Program, type Tensor, uses } from './program.ts';

export interface ScratchPlan {
  /** Size of each block in bytes. */
  readonly blockBytes: readonly number[];
  readonly blockOf: ReadonlyMap<Tensor, number>;
}

export function planScratch(program: Program): ScratchPlan {
  const first = new Map<Tensor, number>();
  const last = new Map<Tensor, number>();
  program.commands.forEach((c, i) => {
    for (const { tensor } of uses(c)) {
      if (tensor.lifetime !== 'scratch') continue;
      if (!first.has(tensor)) first.set(tensor, i);
      last.set(tensor, i);
    }
  });
  const blocks: { bytes: number; busyUntil: number }[] = [];
  const blockOf = new Map<Tensor, number>();
  for (const tensor of [...first.keys()].sort((a, b) => first.get(a)! - first.get(b)!)) {
    const bytes = byteLength(tensor);
    const free = blocks.map((b, i) => ({ ...b, i })).filter((b) => b.busyUntil < first.get(tensor)!);
    // The smallest block that holds it, else the largest free one, which then grows.
    free.sort((a, b) => a.bytes - b.bytes);
    const index =
      free.find((b) => b.bytes >= bytes)?.i ?? free.at(-1)?.i ?? blocks.push({ bytes: 0, busyUntil: -1 }) - 1;
    const block = blocks[index]!;
    block.bytes = Math.max(block.bytes, bytes);
    block.busyUntil = last.get(tensor)!;
    blockOf.set(tensor, index);
  }
  return { blockBytes: blocks.map((b) => b.bytes), blockOf };
}
