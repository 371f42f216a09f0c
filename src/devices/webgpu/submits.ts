/**
 * Hands command buffers to the queue, those of one turn of the event loop together: a step and the copy of what it has left
 * are one submit, which costs the host and the driver more than a few dispatches do.
 */
export class Submits {
  readonly #queue: GPUQueue;
  readonly #mostFlops: number;
  #waiting: GPUCommandBuffer[] = [];
  #flops = 0;

  /** @param mostFlops of one submit, if not of one command buffer */
  constructor(queue: GPUQueue, mostFlops: number) {
    this.#queue = queue;
    this.#mostFlops = mostFlops;
  }

  /** They run after those before them, and after everything that was written to the queue. */
  add(commands: GPUCommandBuffer, flops = 0): void {
    if (this.#flops + flops > this.#mostFlops) this.flush();
    this.#flops += flops;
    if (this.#waiting.push(commands) === 1) queueMicrotask(() => this.flush());
  }

  /** Before anything else is done to the queue, or to a buffer that they use. */
  flush(): void {
    const commands = this.#waiting;
    this.drop();
    if (commands.length > 0) this.#queue.submit(commands);
  }

  /** Of a device that is closed. */
  drop(): void {
    this.#waiting = [];
    this.#flops = 0;
  }
}
