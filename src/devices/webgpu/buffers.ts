/**
 * The device's memory: one GPUBuffer for each weight or state tensor, and a pool of scratch blocks.
 *
 * All programs share the pool: submits run one after another, and scratch means nothing between them.
 */
import { DeviceError, InternalError } from '../../base/errors.ts';
import { planScratch } from '../../engine/plan.ts';
import { byteLength, type Program, type Tensor } from '../../engine/program.ts';
import type { Failures } from './failures.ts';
import { usage } from './flags.ts';

const TENSOR_USAGE = usage.storage | usage.copySrc | usage.copyDst;

export class Buffers {
  readonly #owned = new Map<Tensor, GPUBuffer>();
  readonly #blocks: GPUBuffer[] = [];
  readonly #device: GPUDevice;
  readonly #failures: Failures;

  constructor(device: GPUDevice, failures: Failures) {
    this.#device = device;
    this.#failures = failures;
  }

  get maxTensorBytes(): number {
    return Math.min(this.#device.limits.maxStorageBufferBindingSize, this.#device.limits.maxBufferSize);
  }

  allocate(tensor: Tensor): void {
    this.#owned.set(tensor, this.#create(tensor.name, byteLength(tensor)));
  }

  free(tensor: Tensor): void {
    this.of(tensor).destroy();
    this.#owned.delete(tensor);
  }

  of(tensor: Tensor): GPUBuffer {
    const buffer = this.#owned.get(tensor);
    if (!buffer) throw new InternalError(`tensor ${tensor.name} is not (or no longer) on this device`);
    return buffer;
  }

  /** Gives each scratch tensor of a program a block, largest blocks first; makes the blocks that are missing. */
  placeScratch(program: Program): (tensor: Tensor) => GPUBuffer {
    const plan = planScratch(program);
    const bySize = plan.blockBytes.map((bytes, index) => ({ bytes, index })).sort((a, b) => b.bytes - a.bytes);
    const placed: GPUBuffer[] = [];
    bySize.forEach(({ bytes, index }, rank) => {
      let block = this.#blocks[rank];
      if (!block || block.size < bytes) {
        // Sorted by size both, so a block that is too small here may still serve a later rank.
        block = this.#create(`scratch of ${program.name}`, bytes);
        this.#blocks.splice(rank, 0, block);
      }
      placed[index] = block;
    });
    return (tensor) => {
      const index = plan.blockOf.get(tensor);
      const block = index === undefined ? undefined : placed[index];
      return block ?? this.of(tensor);
    };
  }

  destroy(): void {
    for (const buffer of this.#owned.values()) buffer.destroy();
    for (const block of this.#blocks) block.destroy();
    this.#owned.clear();
    this.#blocks.length = 0;
  }

  /** Bytes held: tensors and scratch. */
  get bytes(): number {
    let total = 0;
    for (const buffer of this.#owned.values()) total += buffer.size;
    for (const block of this.#blocks) total += block.size;
    return total;
  }

  #create(label: string, bytes: number): GPUBuffer {
    if (bytes > this.maxTensorBytes) {
      const limit = `${this.maxTensorBytes} bytes, the largest this adapter binds`;
      throw new DeviceError('outOfMemory', `${label} needs ${bytes} bytes: more than ${limit}.`);
    }
    this.#device.pushErrorScope('out-of-memory');
    const buffer = this.#device.createBuffer({
      label,
      size: Math.max(4, Math.ceil(bytes / 4) * 4),
      usage: TENSOR_USAGE,
    });
    this.#failures.watch(this.#device.popErrorScope(), `allocating ${bytes} bytes for ${label}`);
    return buffer;
  }
}
