/** Batch slots by their number of rows: prepared when first asked for, and kept while others are not wanted more. */
import type { Device } from '../../engine/device.ts';
import type { BatchSlot } from './batchSlot.ts';
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
  readonly #make: (memory: Arena, rows: number, signal?: AbortSignal) => Promise<BatchSlot>;
  /** By number of rows, the one used last at the end. */
  readonly #kept = new Map<number, Kept>();

  constructor(device: Device, make: (memory: Arena, rows: number, signal?: AbortSignal) => Promise<BatchSlot>) {
    this.#device = device;
    this.#make = make;
  }

  take(rows: number, signal?: AbortSignal): Promise<BatchSlot> {
    const kept = this.#kept.get(rows) ?? this.#prepare(rows, signal);
    this.#kept.delete(rows);
    this.#kept.set(rows, kept);
    return kept.slot;
  }

  /** Gives all back; only while none is in use. */
  async freeAll(): Promise<void> {
    for (const { slot } of this.#kept.values()) await slot;
    for (const { memory } of this.#kept.values()) memory.freeAll();
    this.#kept.clear();
  }

  #prepare(rows: number, signal?: AbortSignal): Kept {
    for (const [old, { memory, ready }] of this.#kept) {
      if (this.#kept.size < MAX_KEPT) break;
      if (!ready || ready.busy) continue;
      memory.freeAll();
      this.#kept.delete(old);
    }
    const memory = new Arena(this.#device);
    const kept: Kept = { memory, slot: this.#make(memory, rows, signal) };
    kept.slot.then(
      (slot) => {
        kept.ready = slot;
      },
      () => {
        if (this.#kept.get(rows) === kept) this.#kept.delete(rows);
        memory.freeAll();
      },
    );
    return kept;
  }
}
