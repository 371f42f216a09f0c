/**
 * Who is next. A request enters when its headers are there, says its bytes while they come and its seconds when they are
 * known, and then waits for its turn at the model. Limits are those of the whole server: requests, bytes and seconds of sound
 * that are here and not done. Turns are fair between clients: the one that has had the least sound transcribed is next
 * (start-time fair queueing, Goyal, Vin, Cheng 1996, with seconds of sound as the cost).
 */
import { onAbort } from '../base/signals.ts';
import { ApiError } from './errors.ts';

export interface QueueLimits {
  /** Requests that are transcribed at once. */
  readonly parallel: number;
  /** Requests beyond those. */
  readonly requests: number;
  /** Of all uploads that are here. */
  readonly bytes: number;
  /** Seconds of sound of all requests that are here. */
  readonly seconds: number;
}

/** Seconds of a recording that is not here yet, for estimates. */
const TYPICAL_SECONDS = 30;
/** Share of the last request in the measured speed. */
const NEWEST = 0.3;

export interface Ticket {
  /** 0 while it runs, else how many are before it and itself. */
  readonly position: number;
  /** @throws {ApiError} 429 if there is no room for so many more */
  addBytes(count: number): void;
  /** @throws {ApiError} 429 if there is no room for so much sound */
  setSeconds(seconds: number): void;
  /** How far the work is, in seconds of sound. */
  progress(seconds: number): void;
  /** Waits for its turn. @throws the signal's reason */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** Gives the place back; may be called again. */
  leave(): void;
}

interface Entry {
  readonly client: string;
  bytes: number;
  seconds: number | undefined;
  state: 'arriving' | 'waiting' | 'running' | 'gone';
  /** Virtual time at which it starts. */
  tag: number;
  startedMs: number;
  reached: number;
  begin: () => void;
}

export class Queue {
  readonly #limits: QueueLimits;
  readonly #now: () => number;
  readonly #entries = new Set<Entry>();
  /** Of each client that has something here: the virtual time up to which it is served. */
  readonly #served = new Map<string, number>();
  #virtualTime = 0;
  /** Seconds of sound in a second, of one request. */
  #speed: number | undefined;
  #emptied: (() => void)[] = [];

  constructor(limits: QueueLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Requests by what they do. */
  get counts(): { readonly arriving: number; readonly waiting: number; readonly running: number } {
    const count = (state: Entry['state']): number => this.#in(state).length;
    return { arriving: count('arriving'), waiting: count('waiting'), running: count('running') };
  }

  get bytes(): number {
    return sum(this.#entries, ({ bytes }) => bytes);
  }

  /** Seconds of sound that are here and not done, as far as they are known. */
  get seconds(): number {
    return sum(this.#entries, (entry) => remaining(entry, 0));
  }

  /** Seconds of sound in a second, of one request; undefined before one was measured. */
  get speed(): number | undefined {
    return this.#speed;
  }

  /**
   * @param isForced enters even when it is full: what was taken before a restart
   * @throws {ApiError} 429 if there is no place
   */
  enter(client: string, isForced = false): Ticket {
    const { parallel, requests } = this.#limits;
    if (!isForced && this.#entries.size >= parallel + requests) {
      const times = this.#in('running').map((entry) => remaining(entry, TYPICAL_SECONDS) / this.#speedNow());
      const wait = times.length > 0 ? Math.min(...times) : 1;
      throw full(`${this.#entries.size} requests are here, which is all that this server takes`, wait);
    }
    const entry: Entry = {
      client,
      bytes: 0,
      seconds: undefined,
      state: 'arriving',
      tag: 0,
      startedMs: 0,
      reached: 0,
      begin: () => {},
    };
    this.#entries.add(entry);
    const queue = this;
    return {
      get position() {
        return queue.#position(entry);
      },
      addBytes: (count) => this.#addBytes(entry, count, isForced),
      setSeconds: (seconds) => this.#setSeconds(entry, seconds, isForced),
      progress: (seconds) => {
        entry.reached = seconds;
      },
      run: (signal, work) => this.#run(entry, signal, work),
      leave: () => this.#leave(entry),
    };
  }

  /** When nobody is here any more. */
  async emptied(): Promise<void> {
    if (this.#entries.size === 0) return;
    await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  #addBytes(entry: Entry, count: number, isForced: boolean): void {
    const others = this.bytes - entry.bytes;
    // One that is alone is bounded by what a request may have.
    if (!isForced && others > 0 && others + entry.bytes + count > this.#limits.bytes) {
      throw full('the recordings that wait here leave no room for another', this.#secondsUntil(TYPICAL_SECONDS));
    }
    entry.bytes += count;
  }

  #setSeconds(entry: Entry, seconds: number, isForced: boolean): void {
    const others = this.seconds - remaining(entry, 0);
    const over = others + seconds - this.#limits.seconds;
    if (!isForced && others > 0 && over > 0) {
      throw full(`${Math.round(others)} s of sound wait here already`, this.#secondsUntil(over));
    }
    entry.seconds = seconds;
  }

  async #run<T>(entry: Entry, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    entry.tag = Math.max(this.#virtualTime, this.#served.get(entry.client) ?? 0);
    this.#served.set(entry.client, entry.tag);
    this.#serve(entry, 1);
    entry.state = 'waiting';
    await new Promise<void>((resolve, reject) => {
      const release = onAbort(signal, () => {
        this.#leave(entry);
        reject(signal.reason);
      });
      entry.begin = () => {
        release();
        resolve();
      };
      this.#advance();
    });
    entry.startedMs = this.#now();
    try {
      const result = await work();
      this.#measure(entry);
      return result;
    } finally {
      this.#leave(entry);
    }
  }

  #serve({ client, seconds = TYPICAL_SECONDS }: Entry, sign: 1 | -1): void {
    this.#served.set(client, (this.#served.get(client) ?? 0) + sign * seconds);
  }

  #measure({ seconds = 0, startedMs }: Entry): void {
    const elapsed = (this.#now() - startedMs) / 1000;
    // Of a second of sound or less most is the cost of a window.
    if (seconds < 1 || elapsed <= 0) return;
    const speed = seconds / elapsed;
    this.#speed = this.#speed === undefined ? speed : (1 - NEWEST) * this.#speed + NEWEST * speed;
  }

  #leave(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    // What it was to have and did not get is not held against its client.
    if (entry.state === 'waiting') this.#serve(entry, -1);
    entry.state = 'gone';
    if (![...this.#entries].some(({ client }) => client === entry.client)) {
      const served = this.#served.get(entry.client);
      // What it has had counts as long as others wait.
      if (served !== undefined && served <= this.#virtualTime) this.#served.delete(entry.client);
    }
    if (this.#entries.size === 0) {
      this.#served.clear();
      for (const resolve of this.#emptied.splice(0)) resolve();
    }
    this.#advance();
  }

  #advance(): void {
    while (this.#in('running').length < this.#limits.parallel) {
      const [next] = this.#line();
      if (!next) return;
      next.state = 'running';
      this.#virtualTime = Math.max(this.#virtualTime, next.tag);
      next.begin();
    }
  }

  /** Who waits, the next one first; of equals who came first. */
  #line(): Entry[] {
    return this.#in('waiting').sort((a, b) => a.tag - b.tag);
  }

  #position(entry: Entry): number {
    if (entry.state === 'running' || entry.state === 'gone') return 0;
    const line = this.#line();
    const at = line.indexOf(entry);
    return at < 0 ? line.length + 1 : at + 1;
  }

  /** Until so much sound is done. */
  #secondsUntil(sound: number): number {
    const lanes = Math.max(1, Math.min(this.#limits.parallel, this.#in('running').length));
    return sound / (lanes * this.#speedNow());
  }

  /** What was measured; of the first request what it has reached so far; as fast as it is spoken before anything is known. */
  #speedNow(): number {
    if (this.#speed !== undefined) return this.#speed;
    const now = this.#now();
    const speeds = this.#in('running').flatMap(({ reached, startedMs }) =>
      reached > 0 && now > startedMs ? [(1000 * reached) / (now - startedMs)] : [],
    );
    return speeds.length > 0 ? Math.min(...speeds) : 1;
  }

  #in(state: Entry['state']): Entry[] {
    return [...this.#entries].filter((entry) => entry.state === state);
  }
}

function remaining({ seconds, reached }: Entry, unknown: number): number {
  return seconds === undefined ? unknown : Math.max(0, seconds - reached);
}

function full(reason: string, wait: number): ApiError {
  const retryAfter = Math.max(1, Math.ceil(wait));
  return new ApiError(429, `The queue is full: ${reason}. Try again in ${retryAfter} s.`, {
    code: 'queue_full',
    retryAfter,
  });
}

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}
