/**
 * What lies where in the WebAssembly memory: tensors, and regions that all programs use in turn. Grows the memory and
 * clears what is used again; the bookkeeping of free blocks is `memory.ts`.
 */
import { DeviceError } from '../../base/errors.ts';
import { planScratch } from '../../engine/plan.ts';
import { byteLength, type Program, type Tensor } from '../../engine/program.ts';
import { type Block, MemoryMap, paddedBytes } from './memory.ts';
import { reservedBytes } from './protocol.ts';
import type { Workers } from './workers.ts';

const PAGE_BYTES = 65536;
/** What a WebAssembly memory holds at most. */
export const MEMORY_BYTES = 65536 * PAGE_BYTES;

interface Region {
  readonly address: number;
  readonly bytes: number;
}

interface Stretch {
  address: number;
  bytes: number;
}

/** Of a block of scratch: an address, or where in the scratch of all programs it begins. */
interface Place {
  readonly isBorrowed: boolean;
  readonly at: number;
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

  /**
   * Lays the scratch blocks of a program over the tensors that it borrows, those that find no room there over those of the
   * other programs.
   * @returns where each tensor of each program is
   */
  placeScratch(programs: readonly Program[]): (program: Program, tensor: Tensor) => number {
    let arenaBytes = 0;
    const placed = new Map<Program, Map<Tensor, Place>>();
    for (const program of programs) {
      for (const { args } of program.commands) for (const tensor of Object.values(args)) this.#untouched.delete(tensor);
      for (const tensor of program.borrowed ?? []) this.#untouched.delete(tensor);
      const rooms = this.#stretches(program.borrowed ?? []);
      const plan = planScratch(program);
      let end = 0;
      const places = plan.blockBytes.map((blockBytes): Place => {
        const bytes = paddedBytes(blockBytes);
        const room = rooms.find((each) => each.bytes >= bytes);
        const at = room ? room.address : end;
        if (room) {
          room.address += bytes;
          room.bytes -= bytes;
        } else end += bytes;
        return { isBorrowed: room !== undefined, at };
      });
      arenaBytes = Math.max(arenaBytes, end);
      placed.set(program, new Map([...plan.blockOf].map(([tensor, block]) => [tensor, places[block]!])));
    }
    const arena = this.shared('scratch of the programs', arenaBytes);
    return (program, tensor) => {
      const place = placed.get(program)?.get(tensor);
      if (!place) return this.addressOf(tensor);
      return place.isBorrowed ? place.at : arena + place.at;
    };
  }

  /** The memory of these tensors, of neighbours as one. */
  #stretches(tensors: readonly Tensor[]): Stretch[] {
    const stretches: Stretch[] = [];
    const regions = tensors.map((tensor) => ({ address: this.addressOf(tensor), bytes: byteLength(tensor) }));
    for (const region of regions.sort((a, b) => a.address - b.address)) {
      const bytes = paddedBytes(region.bytes);
      const last = stretches.at(-1);
      if (last && last.address + last.bytes === region.address) last.bytes += bytes;
      else stretches.push({ address: region.address, bytes });
    }
    return stretches;
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
