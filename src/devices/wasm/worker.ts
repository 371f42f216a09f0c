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
import type { FromWorker, PreparedProgram, ToWorker, WorkerScope } from './protocol.ts';

/** The worker's source text. `runWorker` is self-contained: it may use nothing from outside its own body but types. */
export function workerSource(): string {
  return `(${runWorker.toString()})(self);`;
}

export function runWorker(scope: WorkerScope): void {
  type KernelFunction = (begin: number, end: number, rows: number, scratch: number, ...args: readonly number[]) => void;
  // Words of the control block, each on a cache line (and its neighbour) of its own.
  const STATE = 32; // number of the shared command << 12 | chunks not yet taken
  const DONE = 64; // chunks finished
  const SLEEPERS = 96; // helpers in Atomics.wait
  const EPOCH = 128; // `prepare` messages that the leader has dealt with
  const COMMAND = 160; // program, command, rows, units, units per chunk
  const COMPLETED = 192; // messages that the leader has dealt with
  const mostChunks = 4095;
  const spins = 4000;

  let memory: WebAssembly.Memory | undefined;
  let control = new Int32Array(256);
  let thread = 0;
  let hasHelpers = false;
  let isShared = false;
  let commandNumber = 0;
  let prepared = 0; // `prepare` messages that this thread has dealt with
  let dead = false;
  let isSkipping = false;
  const functions: KernelFunction[] = [];
  const programs = new Map<number, PreparedProgram>();

  scope.onmessage = (event) => {
    // The device posts nothing else.
    const message = event.data as ToWorker;
    if (dead) return;
    try {
      handle(message);
    } catch (error) {
      fail('lost', error);
    }
    if (thread === 0 && isShared) Atomics.add(control, COMPLETED, 1);
  };

  function fail(code: 'outOfMemory' | 'lost', error: unknown): void {
    dead = true;
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
        const units = message.units[i]!;
        const perChunk = message.unitsPerChunk[i]!;
        const rows = message.rows[i]!;
        if (units === 0) continue;
        if (hasHelpers && perChunk < units) share(message.program, i, rows, units, perChunk);
        else run(program, i, rows, 0, units);
      }
      if (isSet()) return;
    }
  }

  function run(program: PreparedProgram, command: number, rows: number, begin: number, end: number): void {
    const { functionIndex, addresses } = program.commands[command]!;
    functions[functionIndex]!(begin, end, rows, program.scratch + thread * program.scratchStride, ...addresses);
  }

  /** Runs one command together with the helpers; returns when all of it is done. */
  function share(program: number, command: number, rows: number, units: number, perChunk: number): void {
    const size = Math.max(perChunk, Math.ceil(units / mostChunks));
    const chunks = Math.ceil(units / size);
    control[COMMAND] = program;
    control[COMMAND + 1] = command;
    control[COMMAND + 2] = rows;
    control[COMMAND + 3] = units;
    control[COMMAND + 4] = size;
    Atomics.store(control, DONE, 0);
    publish(chunks);
    takeChunks();
    let done = Atomics.load(control, DONE);
    for (let i = 0; done !== chunks; i++) {
      if (i > spins) Atomics.wait(control, DONE, done);
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
      const rows = control[COMMAND + 2]!;
      const units = control[COMMAND + 3]!;
      const size = control[COMMAND + 4]!;
      const program = programs.get(programId);
      if (!program) return false;
      // Success proves that the command is still the one just read about: it ends only when all its chunks are done.
      if (Atomics.compareExchange(control, STATE, state, state - 1) !== state) continue;
      const chunks = Math.ceil(units / size);
      const begin = (chunks - left) * size;
      run(program, command, rows, begin, Math.min(begin + size, units));
      if (Atomics.add(control, DONE, 1) + 1 === chunks && thread > 0) Atomics.notify(control, DONE);
    }
  }

  /** A helper's life between two messages: it returns when the leader knows a program that came by a later message. */
  function serve(): void {
    for (;;) {
      const state = Atomics.load(control, STATE);
      if (Atomics.load(control, EPOCH) > prepared) return;
      if ((state & 0xfff) !== 0 && takeChunks()) continue;
      let i = 0;
      while (i < spins && Atomics.load(control, STATE) === state) i++;
      if (i < spins) continue;
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
