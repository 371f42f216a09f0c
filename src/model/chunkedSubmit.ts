/**
 * Hands work to a device in bursts: so much that waiting for one costs little, so little that stopping is quick (pace.ts). Where
 * waiting costs much, the next burst is handed over before the last one has been waited for.
 */
import { Pace } from './pace.ts';

/** Milliseconds that go on. */
export type Clock = () => number;

interface Burst {
  /** Units that have been handed over when it has been. */
  readonly end: number;
  readonly units: number;
  readonly since: number;
  /** Handed over to a device that had nothing else to do. */
  readonly isAlone: boolean;
  readonly over: Promise<boolean>;
}

export class ChunkedSubmit {
  readonly #pace = new Pace();
  readonly #now: Clock;

  constructor(now: Clock = () => performance.now()) {
    this.#now = now;
  }

  /** Submits parts 0 to `count` - 1, waiting now and then and at the end; `onPart` is told the share that is done. */
  async run(
    count: number,
    submit: (part: number) => void,
    wait: () => Promise<unknown>,
    signal?: AbortSignal,
    onPart?: (share: number) => void,
  ): Promise<void> {
    const submitRange = (begin: number, end: number): void => {
      for (let part = begin; part < end; part++) submit(part);
    };
    const waitOn = (): Promise<boolean> => wait().then(() => false);
    await this.#bursts(count, submitRange, waitOn, signal, onPart);
  }

  /** Repeats up to `count` times until `done` says so; `done`, which is called after each burst, waits for it. */
  async repeat(
    count: number,
    submit: (times: number) => void,
    done: () => Promise<boolean>,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#bursts(count, (begin, end) => submit(end - begin), done, signal);
  }

  /** Submits as many of `most` as are worth a wait; `work` waits for them. */
  async once<T>(most: number, work: (times: number) => Promise<T>): Promise<T> {
    const times = Math.max(1, Math.min(most, this.#pace.units));
    const since = this.#now();
    const result = await work(times);
    this.#pace.learnAlone(times, this.#now() - since);
    return result;
  }

  async #bursts(
    count: number,
    submit: (begin: number, end: number) => void,
    wait: () => Promise<boolean>,
    signal: AbortSignal | undefined,
    onPart?: (share: number) => void,
  ): Promise<void> {
    const inFlight: Burst[] = [];
    const handOver = (begin: number): void => {
      const units = Math.min(count - begin, this.#pace.units);
      const [since, isAlone] = [this.#now(), inFlight.length === 0];
      submit(begin, begin + units);
      const over = wait();
      // Of a burst that is not waited for, the next read has the error.
      over.catch(() => {});
      inFlight.push({ end: begin + units, units, since, isAlone, over });
    };
    let submitted = 0;
    let last = 0;
    for (;;) {
      while (submitted < count && inFlight.length < (this.#pace.overlaps ? 2 : 1)) {
        handOver(submitted);
        submitted = inFlight.at(-1)!.end; // just handed over
      }
      const burst = inFlight.shift();
      if (!burst) return;
      const isDone = await burst.over;
      const now = this.#now();
      if (burst.isAlone) this.#pace.learnAlone(burst.units, now - burst.since);
      else this.#pace.learnBetween(burst.units, now - last);
      last = now;
      signal?.throwIfAborted();
      onPart?.(burst.end / count);
      if (isDone) return;
    }
  }
}
