/**
 * Notices a worker that has died without a word, as one does in a page whose memory runs out: while somebody waits for an
 * answer, it looks every second for a sign of life.
 *
 * It counts its own looks and not the clock, so time for which the whole process was stopped does not count.
 */

/** Threads that share memory show every command; the longest, in the encoder of large on a slow core, takes some 20 s. */
export const SILENT_SECONDS = 60;
/** One without shared memory shows every submit, an encoder layer at most. */
export const SILENT_SECONDS_UNSHARED = 300;

export interface Watched {
  isWaiting(): boolean;
  /** Changes for as long as there is life. */
  sign(): string;
  /** Without a change of it, after which `onSilence` is called once. */
  readonly seconds: number;
  onSilence(seconds: number): void;
}

export class Watch {
  readonly #watched: Watched;
  /** Of the next look; undefined while nobody waits. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** To be called when somebody begins to wait; more than once does no harm. */
  begin(): void {
    if (this.#timer !== undefined) return;
    const { isWaiting, sign, seconds, onSilence } = this.#watched;
    let last = sign();
    let silent = 0;
    const look = (): void => {
      this.#timer = undefined;
      if (!isWaiting()) return;
      const now = sign();
      silent = now === last ? silent + 1 : 0;
      last = now;
      if (silent < seconds) this.#timer = setTimeout(look, 1000);
      else onSilence(seconds);
    };
    this.#timer = setTimeout(look, 1000);
  }

  /** Looks no more: its timer would keep the process from ending. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
