/**
 * What lies where in the WebAssembly memory: tensors, and regions that all programs use in turn. Grows the memory and
 * clears what is used again; the bookkeeping of free blocks is `memory.ts`.
 */
import { DeviceError } from '../../base/errors.ts';
import { planScratch } from '../../engine/plan.ts';
import { byteLength, type Program, type Tensor } from '../../engine/program.ts';
import { type Block, MemoryMap } from './memory.ts';
import { reservedBytes } from './protocol.ts';
import type { Workers } from './workers.ts';

const PAGE_BYTES = 65536;
/** What a WebAssembly memory holds at most. */
export const MEMORY_BYTES = 65536 * PAGE_BYTES;

interface Region {
  readonly address: number;
  readonly bytes: number;
}

export class Heap {
  readonly #workers: Workers;
  readonly #map = new MemoryMap(reservedBytes, MEMORY_BYTES);
  readonly #tensors = new Map<Tensor, Region>();
  /** Which no message to the leader has to do with: no program has them, and nobody is still to clear them. */
  readonly #untouched = new Set<Tensor>();
  readonly #regions = new Map<string, Region>();
  #pages = 1;

  constructor(workers: Workers) {
    this.#workers = workers;
  }

  get bytesHeld(): number {
    const sum = (regions: Iterable<Region>): number => [...regions].reduce((total, { bytes }) => total + bytes, 0);
    return sum(this.#tensors.values()) + sum(this.#regions.values());
  }

  /** @throws {DeviceError} `outOfMemory` */
  allocate(tensor: Tensor): void {
    const bytes = byteLength(tensor);
    const { address, isUsed } = this.#reserve(bytes, tensor.name);
    if (isUsed) this.#workers.clear(address, bytes);
    else this.#untouched.add(tensor);
    this.#tensors.set(tensor, { address, bytes });
  }

  /** Can it be written at once, whatever the leader does? */
  isUntouched(tensor: Tensor): boolean {
    return this.#untouched.has(tensor);
  }

  free(tensor: Tensor): void {
    this.#map.free(this.addressOf(tensor));
    this.#tensors.delete(tensor);
    this.#untouched.delete(tensor);
  }

  /** @throws {DeviceError} `validation` for a tensor that is not, or no longer, here */
  addressOf(tensor: Tensor): number {
    const region = this.#tensors.get(tensor);
    if (!region) throw new DeviceError('validation', `${tensor.name} is not a tensor of this device.`);
    return region.address;
  }

  /**
   * Memory that all programs use in turn, since they run one after another: the last one handed out, if it is large
   * enough. Programs prepared before a larger one keep theirs.
   */
  shared(name: string, bytes: number): number {
    let region = this.#regions.get(name);
    if (!region || region.bytes < bytes) {
      region = { address: this.#reserve(bytes, name).address, bytes };
      this.#regions.set(name, region);
    }
    return region.address;
  }

  /** Lays the scratch blocks of all programs over each other, and says where each tensor of each program is. */
  placeScratch(programs: readonly Program[]): (program: Program, tensor: Tensor) => number {
    let arenaBytes = 0;
    const placed = new Map<Program, Map<Tensor, number>>();
    for (const program of programs) {
      for (const { args } of program.commands) for (const tensor of Object.values(args)) this.#untouched.delete(tensor);
      const plan = planScratch(program);
      let at = 0;
      const starts = plan.blockBytes.map((bytes) => {
        const start = at;
        at += Math.ceil(bytes / 64) * 64 + 64;
        return start;
      });
      arenaBytes = Math.max(arenaBytes, at);
      placed.set(program, new Map([...plan.blockOf].map(([tensor, block]) => [tensor, starts[block]!])));
    }
    const arena = this.shared('scratch of the programs', arenaBytes);
    return (program, tensor) => {
      const offset = placed.get(program)?.get(tensor);
      return offset === undefined ? this.addressOf(tensor) : arena + offset;
    };
  }

  #reserve(bytes: number, name: string): Block {
    const block = this.#map.allocate(bytes);
    const tooMuch = (): DeviceError =>
      new DeviceError('outOfMemory', `No room for ${name}, ${bytes} bytes, in a memory of ${this.#map.end}.`, {
        hint: 'A WebAssembly memory holds 4 GiB at most: try a smaller model or fewer rows.',
      });
    if (!block) throw tooMuch();
    const pages = Math.ceil(this.#map.end / PAGE_BYTES) - this.#pages;
    if (pages > 0) {
      try {
        this.#workers.grow(pages);
      } catch {
        this.#map.free(block.address);
        throw tooMuch();
      }
      this.#pages += pages;
    }
    return block;
  }
}
