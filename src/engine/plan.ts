/**
 * Where scratch tensors live: by lifetime, in a few blocks that are used again and again.
 *
 * A tensor lives from the first command that names it to the last. Two whose lives touch never share a block, so inputs
 * and outputs of one command are always in different blocks (WebGPU refuses a buffer bound for reading and writing at
 * once). The largest are placed first, so that each block is as large as its first tenant (Pisarchyk and Lee 2020, "greedy by
 * size for shared objects").
 */
import { bytesInUse, type Program, type Tensor, uses } from './program.ts';

export interface ScratchPlan {
  /** Size of each block in bytes. */
  readonly blockBytes: readonly number[];
  readonly blockOf: ReadonlyMap<Tensor, number>;
}

export function planScratch(program: Program): ScratchPlan {
  const first = new Map<Tensor, number>();
  const last = new Map<Tensor, number>();
  const bytesOf = new Map<Tensor, number>();
  program.commands.forEach((c, i) => {
    for (const { arg, tensor } of uses(c)) {
      if (tensor.lifetime !== 'scratch') continue;
      if (!first.has(tensor)) first.set(tensor, i);
      last.set(tensor, i);
      bytesOf.set(tensor, Math.max(bytesOf.get(tensor) ?? 0, bytesInUse(c, arg)));
    }
  });
  const blocks: { readonly bytes: number; readonly tenants: Tensor[] }[] = [];
  const blockOf = new Map<Tensor, number>();
  const doMeet = (a: Tensor, b: Tensor): boolean => first.get(a)! <= last.get(b)! && first.get(b)! <= last.get(a)!;
  for (const [tensor, bytes] of [...bytesOf].sort(([, a], [, b]) => b - a)) {
    // The smallest that is free, the one that was made last.
    let index = blocks.findLastIndex(({ tenants }) => !tenants.some((other) => doMeet(tensor, other)));
    if (index < 0) index = blocks.push({ bytes, tenants: [] }) - 1;
    blocks[index]!.tenants.push(tensor);
    blockOf.set(tensor, index);
  }
  return { blockBytes: blocks.map((b) => b.bytes), blockOf };
}
