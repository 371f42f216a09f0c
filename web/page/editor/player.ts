/** Plays the recording: one audio element, and what the view shows of it as signals. */
import { type Signal, signal } from '@preact/signals';

/** Times the usual speed. */
export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2] as const;

export class Player {
  readonly media: HTMLAudioElement = new Audio();
  readonly isPlaying: Signal<boolean> = signal(false);
  /** Seconds; changes with each frame while it plays. */
  readonly time: Signal<number> = signal(0);
  /** Seconds; 0 until it is known. */
  readonly duration: Signal<number> = signal(0);
  readonly speed: Signal<number> = signal(1);
  /** A sentence; empty if there is nothing to say. */
  readonly problem: Signal<string> = signal('');
  #address: string | undefined;
  #frame = 0;
  readonly #ending = new AbortController();

  constructor() {
    const { media } = this;
    media.preload = 'metadata';
    const on = (type: keyof HTMLMediaElementEventMap, handle: () => void): void =>
      media.addEventListener(type, handle, { signal: this.#ending.signal });
    on('play', () => {
      this.isPlaying.value = true;
      this.#follow();
    });
    on('pause', () => {
      this.isPlaying.value = false;
    });
    on('seeking', () => this.#tell());
    on('timeupdate', () => this.#tell());
    on('durationchange', () => {
      // A recording of a browser's own says Infinity until it was played to its end.
      if (Number.isFinite(media.duration)) this.duration.value = media.duration;
    });
    on('error', () => {
      if (this.#address !== undefined)
        this.problem.value =
          'This browser cannot play this kind of file. The transcript can be read and edited all the same.';
    });
  }

  /** @param duration seconds, as far as it is known before the browser has read the file */
  open(audio: Blob | undefined, duration = 0): void {
    this.media.pause();
    if (this.#address !== undefined) URL.revokeObjectURL(this.#address);
    this.#address = audio && URL.createObjectURL(audio);
    this.problem.value = '';
    this.time.value = 0;
    this.duration.value = duration;
    if (this.#address === undefined) this.media.removeAttribute('src');
    else this.media.src = this.#address;
    this.media.playbackRate = this.speed.peek(); // who opens in an effect does not open again for another speed
  }

  toggle(): void {
    if (this.isPlaying.value) this.media.pause();
    else void this.play();
  }

  async play(): Promise<void> {
    try {
      await this.media.play();
    } catch (error) {
      // Paused or replaced before it began: somebody asked for that.
      if (!(error instanceof DOMException && error.name === 'AbortError'))
        this.problem.value = `It cannot be played: ${error}`;
    }
  }

  /** @param time seconds; beyond an end: that end */
  seek(time: number): void {
    const end = this.duration.value > 0 ? this.duration.value : time;
    this.media.currentTime = Math.max(0, Math.min(time, end));
    this.time.value = this.media.currentTime;
  }

  moveBy(seconds: number): void {
    this.seek(this.media.currentTime + seconds);
  }

  setSpeed(speed: number): void {
    this.speed.value = speed;
    this.media.playbackRate = speed;
  }

  /** The next speed of the list, up or down. */
  stepSpeed(by: 1 | -1): void {
    const at = SPEEDS.findIndex((speed) => speed >= this.speed.value);
    this.setSpeed(SPEEDS[at + by] ?? this.speed.value);
  }

  /** Stops, and gives the recording's memory back. */
  close(): void {
    this.open(undefined);
    cancelAnimationFrame(this.#frame);
    this.#ending.abort();
  }

  /** `timeupdate` comes four times a second, which is too late for a word. */
  #follow(): void {
    cancelAnimationFrame(this.#frame);
    const step = (): void => {
      this.#tell();
      if (!this.media.paused) this.#frame = requestAnimationFrame(step);
    };
    step();
  }

  #tell(): void {
    this.time.value = this.media.currentTime;
  }
}
