/**
 * Copies from the device to the host through a ring of staging buffers, so that reading creates nothing once warm.
 *
 * A staging buffer serves one read at a time; sizes are powers of two. Large ones are not kept: only tests and a user's
 * own logit filter read megabytes.
 */
import { mapModeRead, usage } from './flags.ts';
import type { Submits } from './submits.ts';

const SMALLEST = 1024;
const KEPT_BYTES = 4 * 1024 * 1024;

export class Readback {
  readonly #idle = new Map<number, GPUBuffer[]>();
  readonly #all = new Set<GPUBuffer>();
  readonly #device: GPUDevice;

  readonly #submits: Submits;

  constructor(device: GPUDevice, submits: Submits) {
    this.#device = device;
    this.#submits = submits;
  }

  /** Bytes `begin` to `end` (multiples of 4) as they are once everything submitted so far is done. */
  async read(source: GPUBuffer, begin: number, end: number): Promise<ArrayBuffer> {
    const bytes = end - begin;
    if (bytes === 0) return new ArrayBuffer(0);
    const size = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(bytes)));
    const staging = this.#idle.get(size)?.pop() ?? this.#create(size);
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, begin, staging, 0, bytes);
    this.#submits.add(encoder.finish());
    // A buffer that is being mapped cannot be submitted any more.
    await Promise.resolve();
    this.#submits.flush();
    try {
      await staging.mapAsync(mapModeRead, 0, bytes);
      const copy = staging.getMappedRange(0, bytes).slice(0);
      staging.unmap();
      this.#giveBack(staging, size);
      return copy;
    } catch (error) {
      staging.destroy();
      this.#all.delete(staging);
      throw error;
    }
  }

  destroy(): void {
    for (const buffer of this.#all) buffer.destroy();
    this.#all.clear();
    this.#idle.clear();
  }

  #create(size: number): GPUBuffer {
    const buffer = this.#device.createBuffer({ label: 'staging', size, usage: usage.mapRead | usage.copyDst });
    this.#all.add(buffer);
    return buffer;
  }

  #giveBack(buffer: GPUBuffer, size: number): void {
    if (size > KEPT_BYTES) {
      buffer.destroy();
      this.#all.delete(buffer);
      return;
    }
    const ring = this.#idle.get(size);
    if (ring) ring.push(buffer);
    else this.#idle.set(size, [buffer]);
  }
}
