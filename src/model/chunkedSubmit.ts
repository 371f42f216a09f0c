/**
 * Hands work to a device in chunks: so much that waiting for one costs little, so little that stopping is quick.
 *
 * Learns the time of one unit as it goes and aims at `TARGET_MS` between waits: a page stays alive, an abort is answered
 * within about that time, and no driver's watchdog is woken.
 */
const TARGET_MS = 40;
const MAX_UNITS = 16;

export class ChunkedSubmit {
  #unitMs = Number.POSITIVE_INFINITY;

  /** Submits parts 0 to `count` - 1, waiting now and then and at the end; `onPart` is told the share that is done. */
  async run(
    count: number,
    submit: (part: number) => void,
    wait: () => Promise<unknown>,
    signal?: AbortSignal,
    onPart?: (share: number) => void,
  ): Promise<void> {
    for (let part = 0; part < count; ) {
      const end = Math.min(count, part + this.#unitsBeforeWait);
      const units = end - part;
      const before = performance.now();
      while (part < end) submit(part++);
      await wait();
      this.#learn(performance.now() - before, units);
      signal?.throwIfAborted();
      onPart?.(end / count);
    }
  }

  /** Repeats up to `count` times until `done` says so; `done` waits for what was submitted. */
  async repeat(
    count: number,
    submit: (times: number) => void,
    done: () => Promise<boolean>,
    signal?: AbortSignal,
  ): Promise<void> {
    for (let left = count; left > 0; ) {
      const times = Math.min(left, this.#unitsBeforeWait);
      const before = performance.now();
      submit(times);
      left -= times;
      const isDone = await done();
      this.#learn(performance.now() - before, times);
      signal?.throwIfAborted();
      if (isDone) return;
    }
  }

  /** Submits as many of `most` as are worth a wait; `work` waits for them. */
  async once<T>(most: number, work: (times: number) => Promise<T>): Promise<T> {
    const times = Math.max(1, Math.min(most, this.#unitsBeforeWait));
    const before = performance.now();
    const result = await work(times);
    this.#learn(performance.now() - before, times);
    return result;
  }

  get #unitsBeforeWait(): number {
    return Math.max(1, Math.min(MAX_UNITS, Math.floor(TARGET_MS / this.#unitMs)));
  }

  #learn(ms: number, units: number): void {
    this.#unitMs = ms / units;
  }
}
