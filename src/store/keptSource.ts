/** A kept file as a source of ranges. Every part is checked when it is first read, so that damage is never loaded. */
import { checkLength, checkRange, type WeightSource } from '../checkpoint/source.ts';
import { type FileRecord, PART_BYTES, partLength } from './record.ts';

/** Of those that were read last: tensors are asked for nearly in order. */
const HELD_PARTS = 4;

/** @param open a part's bytes, right ones. @param onClose called once */
export function keptSource(
  name: string,
  { size }: Pick<FileRecord, 'size'>,
  open: (index: number) => Promise<Uint8Array<ArrayBuffer>>,
  onClose: () => Promise<void>,
): WeightSource {
  const held = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();
  let closed: Promise<void> | undefined;
  const partAt = (index: number): Promise<Uint8Array<ArrayBuffer>> => {
    const part = held.get(index) ?? open(index);
    held.delete(index);
    held.set(index, part); // the last that was read
    for (const oldest of held.keys()) {
      if (held.size <= HELD_PARTS) break;
      held.delete(oldest);
    }
    part.catch(() => held.delete(index)); // it may be there at the next attempt
    return part;
  };
  const readInto = async (begin: number, target: Uint8Array, signal?: AbortSignal): Promise<void> => {
    const end = begin + target.length;
    checkRange(source, begin, end);
    for (let at = begin; at < end; ) {
      signal?.throwIfAborted();
      const index = Math.floor(at / PART_BYTES);
      const from = at - index * PART_BYTES;
      const part = await partAt(index);
      checkLength(name, index * PART_BYTES, index * PART_BYTES + partLength(size, index), part.length);
      const taken = part.subarray(from, from + end - at);
      target.set(taken, at - begin);
      at += taken.length;
    }
    signal?.throwIfAborted();
  };
  const source: WeightSource = {
    name,
    size,
    async read(begin, end, signal) {
      checkRange(source, begin, end);
      const bytes = new Uint8Array(end - begin);
      await readInto(begin, bytes, signal);
      return bytes;
    },
    readInto,
    close() {
      held.clear();
      closed ??= onClose();
      return closed;
    },
  };
  return source;
}
