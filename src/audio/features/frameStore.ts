/** Frames of a long recording in a temporary file: they can be read in any order, and the recording need not be again. */
import type { MelFrames } from './melFrames.ts';

/** Bytes that are kept outside of memory. */
export interface Scratch {
  /** Appends. */
  write(bytes: Uint8Array): Promise<void>;
  /** @param room memory of `end - begin` bytes that may be used for them */
  read(begin: number, end: number, room?: Uint8Array): Promise<Uint8Array>;
  remove(): Promise<void>;
}

/** Frames written at once. */
const WRITTEN_FRAMES = 1000;

export class FrameStore {
  readonly #scratch: Scratch;
  readonly #nMels: number;
  readonly #block: Float32Array<ArrayBuffer>;
  /** Memory that frames were read into, for the next ones. */
  #room: Uint8Array<ArrayBuffer> | undefined;

  constructor(scratch: Scratch, nMels: number) {
    this.#scratch = scratch;
    this.#nMels = nMels;
    this.#block = new Float32Array(WRITTEN_FRAMES * nMels);
  }

  /** Takes over frames once there are many, or all at the end of the recording. @throws if there is no room */
  async take(frames: MelFrames, isEnd = false): Promise<void> {
    const least = isEnd ? 1 : WRITTEN_FRAMES;
    while (frames.end - frames.first >= least) {
      const n = Math.min(WRITTEN_FRAMES, frames.end - frames.first);
      for (let i = 0; i < n; i++) this.#block.set(frames.frame(frames.first + i), i * this.#nMels);
      await this.#scratch.write(new Uint8Array(this.#block.buffer, 0, n * this.#frameBytes));
      frames.forget(frames.first + n);
    }
  }

  /** Hands frames from `begin` up to `end` to `use`, by index. */
  async use(begin: number, end: number, use: (frame: (index: number) => Float32Array) => void): Promise<void> {
    const length = (end - begin) * this.#frameBytes;
    const kept = this.#room && this.#room.length >= length ? this.#room : new Uint8Array(length);
    // Whoever asks while this is being read gets another one.
    this.#room = undefined;
    const bytes = await this.#scratch.read(begin * this.#frameBytes, end * this.#frameBytes, kept.subarray(0, length));
    this.#room = kept;
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, (end - begin) * this.#nMels);
    use((index) => values.subarray((index - begin) * this.#nMels, (index - begin + 1) * this.#nMels));
  }

  close(): Promise<void> {
    return this.#scratch.remove();
  }

  get #frameBytes(): number {
    return this.#nMels * Float32Array.BYTES_PER_ELEMENT;
  }
}
