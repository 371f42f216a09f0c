/** Batch slots by their number of rows: prepared when first asked for, and kept while others are not wanted more. */
import type { Device } from '../../engine/device.ts';
import type { BatchSize, BatchSlot } from './batchSlot.ts';
import { Arena } from './kvCache.ts';

/**
 * Numbers of rows that stay prepared. A batch asks for its size, its size times beams or samples, and fewer at its end and
 * when only some windows fail. Each holds a self-attention cache: of large models, 150 MB a row. To prepare one again
 * takes 0.1 s on the CPU.
 */
const MAX_KEPT = 4;

interface Kept {
  readonly memory: Arena;
  readonly slot: Promise<BatchSlot>;
  ready?: BatchSlot;
}

export class BatchSlots {
  readonly #device: Device;
  readonly #make: (memory: Arena, size: BatchSize, signal?: AbortSignal) => Promise<BatchSlot>;
  /** By size, the one used last at the end. */
  readonly #kept = new Map<string, Kept>();

  constructor(device: Device, make: (memory: Arena, size: BatchSize, signal?: AbortSignal) => Promise<BatchSlot>) {
    this.#device = device;
    this.#make = make;
  }

  take(size: BatchSize, signal?: AbortSignal): Promise<BatchSlot> {
    const key = `${size.rows} of ${size.rowsEach ?? size.rows}`;
    const kept = this.#kept.get(key) ?? this.#prepare(key, size, signal);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.slot;
  }

  /** Gives all back; only while none is in use. */
  async freeAll(): Promise<void> {
    for (const { slot } of this.#kept.values()) await slot;
    for (const { memory } of this.#kept.values()) memory.freeAll();
    this.#kept.clear();
  }

  #prepare(key: string, size: BatchSize, signal?: AbortSignal): Kept {
    for (const [old, { memory, ready }] of this.#kept) {
      if (this.#kept.size < MAX_KEPT) break;
      if (!ready || ready.busy) continue;
      memory.freeAll();
      this.#kept.delete(old);
    }
    const memory = new Arena(this.#device);
    const kept: Kept = { memory, slot: this.#make(memory, size, signal) };
    kept.slot.then(
      (slot) => {
        kept.ready = slot;
      },
      () => {
        if (this.#kept.get(key) === kept) this.#kept.delete(key);
        memory.freeAll();
      },
    );
    return kept;
  }
}
