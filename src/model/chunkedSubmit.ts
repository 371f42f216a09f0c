/**
 * How much work goes into one submit: enough that waiting for it costs little, so little that stopping is quick.
 *
 * Learns the time of one unit as it goes and aims at `target` milliseconds between waits; a page stays alive, an abort is
 * answered within about that time, and no driver's watchdog is woken.
 */
const target = 40;
const largest = 16;

export class Pace {
  #unitMs = Number.POSITIVE_INFINITY;

  /** Units to hand over before the next wait. */
  get #burst(): number {
    return Math.max(1, Math.min(largest, Math.floor(target / this.#unitMs)));
  }

  #learn(ms: number, units: number): void {
    this.#unitMs = ms / units;
  }

  /** Submits parts 0 to `count` - 1, waiting now and then and at the end. */
  async run(
    count: number,
    submit: (part: number) => void,
    wait: () => Promise<unknown>,
    signal?: AbortSignal,
  ): Promise<void> {
    for (let part = 0; part < count; ) {
      const end = Math.min(count, part + this.#burst);
      const units = end - part;
      const before = performance.now();
      while (part < end) submit(part++);
      await wait();
      this.#learn(performance.now() - before, units);
      signal?.throwIfAborted();
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
      const times = Math.min(left, this.#burst);
      const before = performance.now();
      submit(times);
      left -= times;
      const finished = await done();
      this.#learn(performance.now() - before, times);
      signal?.throwIfAborted();
      if (finished) return;
    }
  }
}
