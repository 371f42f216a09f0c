/**
 * What runs in the workers: the leader takes messages in order and runs programs; helpers take chunks of its commands.
 *
 * Sharing one command: the leader writes what it is into the control block, then sets `STATE` to its number and count of
 * chunks. Whoever lowers the count by a compare-and-exchange owns a chunk, so a helper that comes late, or that the
 * system has put to sleep, is never waited for: only taken chunks are. `DONE` counts finished chunks.
 *
 * Waiting spins for a few microseconds, then sleeps: a decoder token has some fifty joins, and a sleep and wake costs
 * 5-10 us, but spinning for longer takes the core from the thread that is waited for.
 */
import type { CONTROL, FromWorker, PreparedProgram, ToWorker, WorkerScope } from './protocol.ts';

/**
 * Runs in a worker, or in line (inlinePort.ts). The build makes a script of this module's text (embedWorker.ts), so it may
 * import nothing but types.
 */
export function runWorker(scope: WorkerScope): void {
  type KernelFunction = (begin: number, end: number, rows: number, scratch: number, ...args: readonly number[]) => void;
  // The control block's words under their numbers in protocol.ts, whose types hold the two together.
  const STATE: (typeof CONTROL)['state'] = 32;
  const DONE: (typeof CONTROL)['done'] = 64;
  const SLEEPERS: (typeof CONTROL)['sleepers'] = 96;
  const EPOCH: (typeof CONTROL)['epoch'] = 128;
  const STOP: (typeof CONTROL)['stop'] = 129;
  const COMMAND: (typeof CONTROL)['command'] = 160;
  const COMPLETED: (typeof CONTROL)['completed'] = 192;
  const STEPS: (typeof CONTROL)['steps'] = 224;
  const MAX_CHUNKS = 4095;
  const SPINS = 4000;

  let memory: WebAssembly.Memory | undefined;
  let control = new Int32Array(256);
  let thread = 0;
  let hasHelpers = false;
  let isShared = false;
  let commandNumber = 0;
  let prepared = 0; // `prepare` messages that this thread has dealt with
  let isDead = false;
  let isSkipping = false;
  const functions: KernelFunction[] = [];
  const programs = new Map<number, PreparedProgram>();

  scope.onmessage = (event) => {
    // The device posts nothing else.
    const message = event.data as ToWorker;
    if (isDead) return;
    try {
      handle(message);
    } catch (error) {
      fail('lost', error);
    }
    if (thread > 0) return;
    if (isShared) Atomics.add(control, COMPLETED, 1);
    else if (message.type !== 'init') post({ type: 'alive' });
  };

  function fail(code: 'outOfMemory' | 'lost', error: unknown): void {
    isDead = true;
    post({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  }

  function post(message: FromWorker, transfer?: ArrayBuffer[]): void {
    scope.postMessage(message, transfer);
  }

  function handle(message: ToWorker): void {
    switch (message.type) {
      case 'init':
        thread = message.thread;
        isShared = message.memory !== undefined;
        hasHelpers = isShared && message.threads > 1;
        memory = message.memory ?? new WebAssembly.Memory({ initial: 1, maximum: 65536 });
        if (isShared) control = new Int32Array(memory.buffer, 0, 256);
        post({ type: 'alive' });
        if (message.role === 'helper') serve();
        break;
      case 'prepare':
        if (message.module) {
          const instance = new WebAssembly.Instance(message.module, { env: { memory: memory! } });
          for (const name of message.exports) functions.push(instance.exports[name] as KernelFunction);
        }
        for (const program of message.programs) programs.set(program.id, program);
        prepared++;
        if (thread > 0) serve();
        else if (hasHelpers) callHelpers();
        break;
      case 'grow':
        try {
          memory!.grow(message.pages);
        } catch {
          fail('outOfMemory', `WebAssembly memory could not grow by ${message.pages * 64} KiB.`);
        }
        break;
      case 'write':
        new Uint8Array(memory!.buffer).set(message.data, message.address);
        break;
      case 'zero':
        new Uint8Array(memory!.buffer, message.address, message.bytes).fill(0);
        break;
      case 'submit':
        submit(message);
        break;
      case 'read': {
        const data = new ArrayBuffer(message.bytes);
        new Uint8Array(data).set(new Uint8Array(memory!.buffer, message.address, message.bytes));
        post({ type: 'data', ticket: message.ticket, data }, [data]);
        break;
      }
    }
  }

  function submit(message: Extract<ToWorker, { type: 'submit' }>): void {
    const program = programs.get(message.program)!;
    // The view is taken here: memory does not grow while a message is dealt with, or is shared and never moves.
    const flag = message.until ? new Uint32Array(memory!.buffer, message.until, 1) : undefined;
    const isSet = (): boolean => flag !== undefined && (isShared ? Atomics.load(flag, 0) : flag[0]) !== 0;
    if (message.first === 0) isSkipping = message.isRepetition && isSet();
    if (isSkipping) return;
    for (let turn = 0; turn < message.times; turn++) {
      for (let i = message.first; i < message.last; i++) {
        const fn = message.functions[i]!;
        const items = message.workItems[i]!;
        const perChunk = message.itemsPerChunk[i]!;
        const rows = message.rows[i]!;
        if (items === 0) continue;
        if (isShared) Atomics.add(control, STEPS, 1);
        if (hasHelpers && perChunk < items) share(message.program, i, fn, rows, items, perChunk);
        else run(program, i, fn, rows, 0, items);
      }
      if (isSet()) return;
    }
  }

  function run(program: PreparedProgram, command: number, fn: number, rows: number, begin: number, end: number): void {
    const scratch = program.scratch + thread * program.scratchStride;
    functions[fn]!(begin, end, rows, scratch, ...program.addresses[command]!);
  }

  /** Runs one command together with the helpers; returns when all of it is done. */
  function share(program: number, command: number, fn: number, rows: number, items: number, perChunk: number): void {
    const size = Math.max(perChunk, Math.ceil(items / MAX_CHUNKS));
    const chunks = Math.ceil(items / size);
    control.set([program, command, fn, rows, items, size], COMMAND);
    Atomics.store(control, DONE, 0);
    publish(chunks);
    takeChunks();
    let done = Atomics.load(control, DONE);
    for (let i = 0; done !== chunks; i++) {
      if (i > SPINS) {
        if (Atomics.load(control, STOP) !== 0) throw new Error('stopped');
        Atomics.wait(control, DONE, done);
      }
      done = Atomics.load(control, DONE);
    }
  }

  function publish(chunks: number): void {
    commandNumber = (commandNumber + 1) & 0xfffff;
    Atomics.store(control, STATE, (commandNumber << 12) | chunks);
    if (Atomics.load(control, SLEEPERS) > 0) Atomics.notify(control, STATE);
  }

  /**
   * Takes chunks of the present command until none is left.
   * @returns false if this thread does not know the command's program
   */
  function takeChunks(): boolean {
    for (;;) {
      const state = Atomics.load(control, STATE);
      const left = state & 0xfff;
      if (left === 0) return true;
      const programId = control[COMMAND]!;
      const command = control[COMMAND + 1]!;
      const fn = control[COMMAND + 2]!;
      const rows = control[COMMAND + 3]!;
      const items = control[COMMAND + 4]!;
      const size = control[COMMAND + 5]!;
      const program = programs.get(programId);
      if (!program) return false;
      // Success proves that the command is still the one just read about: it ends only when all its chunks are done.
      if (Atomics.compareExchange(control, STATE, state, state - 1) !== state) continue;
      const chunks = Math.ceil(items / size);
      const begin = (chunks - left) * size;
      run(program, command, fn, rows, begin, Math.min(begin + size, items));
      if (Atomics.add(control, DONE, 1) + 1 === chunks && thread > 0) Atomics.notify(control, DONE);
    }
  }

  /** A helper's life between two messages: it returns when the leader knows a program that came by a later message. */
  function serve(): void {
    for (;;) {
      const state = Atomics.load(control, STATE);
      if (Atomics.load(control, EPOCH) > prepared || Atomics.load(control, STOP) !== 0) return;
      if ((state & 0xfff) !== 0 && takeChunks()) continue;
      let i = 0;
      while (i < SPINS && Atomics.load(control, STATE) === state) i++;
      if (i < SPINS) continue;
      Atomics.add(control, SLEEPERS, 1);
      Atomics.wait(control, STATE, state);
      Atomics.sub(control, SLEEPERS, 1);
    }
  }

  function callHelpers(): void {
    Atomics.add(control, EPOCH, 1);
    publish(0);
  }
}
