/** Segments of several speakers, who are transcribed at the same time, in one order. */
import type { WindowSegment } from '../window/segments.ts';

/** Segments from who finds them to who merges them. */
export class SegmentQueue {
  readonly #segments: WindowSegment[] = [];
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(segment: WindowSegment): void {
    this.#segments.push(segment);
    this.#wake?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake?.();
  }

  /** The first one, once it is there; undefined if none comes any more. @throws what it failed with, after what came before */
  async peek(): Promise<WindowSegment | undefined> {
    while (this.#segments.length === 0 && !this.#isEnded) {
      if (this.#failure) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#segments[0];
  }

  shift(): void {
    this.#segments.shift();
  }
}

/** Of equals the one of the first queue comes first. */
export async function* mergeByTime(queues: readonly SegmentQueue[]): AsyncGenerator<WindowSegment, void, undefined> {
  for (;;) {
    const heads = await Promise.all(queues.map(async (queue) => ({ queue, segment: await queue.peek() })));
    let next: { readonly queue: SegmentQueue; readonly segment: WindowSegment } | undefined;
    for (const { queue, segment } of heads) {
      if (segment && (!next || segment.start < next.segment.start)) next = { queue, segment };
    }
    if (!next) return;
    next.queue.shift();
    yield next.segment;
  }
}
