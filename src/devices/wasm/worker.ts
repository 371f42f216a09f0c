/**
 * What runs in the workers: the leader takes messages in order, and all threads run the programs.
 *
 * The leader lists a submit's commands in shared memory (`plan`). One of them at a time is open: `STATE` is its number and
 * how many of its chunks are not yet taken, and says in the same word that the submit is done. Whoever lowers the count by a compare-and-exchange owns a chunk, so a helper
 * that comes late, or that the system has put to sleep, is never waited for: only taken chunks are. `DONE` counts finished
 * chunks, and the thread that finishes the last one opens the next command: nobody is asked in between. What is too little
 * to be shared it runs itself.
 *
 * Waiting spins for a few microseconds, then sleeps: a decoder token has some fifty commands, and a sleep and wake costs
 * 5-10 us, but spinning for longer takes the core from the thread that is waited for.
 */
import type { CONTROL, FromWorker, PreparedProgram, planWords, ToWorker, WorkerScope } from './protocol.ts';

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
  const SUBMIT: (typeof CONTROL)['submit'] = 176;
  const STEPS: (typeof CONTROL)['steps'] = 224;
  const PLAN_WORDS: typeof planWords = 4;
  const MAX_CHUNKS = 4094;
  const ALL_DONE = 4095; // in place of chunks: the submit is done
  const SPINS = 4000;

  let memory: WebAssembly.Memory | undefined;
  let control = new Int32Array(256);
  let words = control; // all of the memory, as far as it reached when last looked at
  let thread = 0;
  let hasHelpers = false;
  let isShared = false;
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
    const { program: id, first, last, times, until } = message;
    if (first === 0) isSkipping = message.isRepetition && isSet(until);
    if (isSkipping || times === 0) return;
    if (hasHelpers) {
      runTogether(message);
      return;
    }
    const program = programs.get(id)!;
    for (let turn = 0; turn < times; turn++) {
      for (let i = first; i < last; i++) {
        if (isShared) Atomics.add(control, STEPS, 1);
        run(program, i, message.functions[i]!, message.rows[i]!, 0, message.workItems[i]!);
      }
      if (isSet(until)) return;
    }
  }

  /** Is the u32 at this address not 0? Address 0 stands for none. */
  function isSet(address: number): boolean {
    if (address === 0) return false;
    const index = address >>> 2;
    // Memory that is not shared has another buffer whenever it has grown.
    if (!isShared || index >= words.length) words = new Int32Array(memory!.buffer);
    return (isShared ? Atomics.load(words, index) : words[index]) !== 0;
  }

  function run(program: PreparedProgram, command: number, fn: number, rows: number, begin: number, end: number): void {
    if (begin === end) return;
    const scratch = program.scratch + thread * program.scratchStride;
    functions[fn]!(begin, end, rows, scratch, ...program.addresses[command]!);
  }

  /** Runs a submit with the helpers; returns when all of it is done. */
  function runTogether(message: Extract<ToWorker, { type: 'submit' }>): void {
    const { program: id, first, last, times, until } = message;
    const plan = new Int32Array(memory!.buffer, programs.get(id)!.plan, PLAN_WORDS * last);
    for (let i = first; i < last; i++) {
      const items = message.workItems[i]!;
      const perChunk = Math.max(message.itemsPerChunk[i]!, Math.ceil(items / MAX_CHUNKS));
      plan.set([message.functions[i]!, message.rows[i]!, items, perChunk], PLAN_WORDS * i);
    }
    control.set([id, first, last, until, times, first], SUBMIT);
    openNext();
    work((state) => {
      if (Atomics.load(control, STOP) !== 0) throw new Error('stopped');
      return (state & 0xfff) === ALL_DONE;
    });
  }

  /** Goes on in the submit up to the next command that is worth sharing; by the thread that finished the one before. */
  function openNext(): void {
    const id = control[SUBMIT]!;
    const first = control[SUBMIT + 1]!;
    const last = control[SUBMIT + 2]!;
    const until = control[SUBMIT + 3]! >>> 0;
    const program = programs.get(id)!;
    const plan = program.plan >>> 2;
    if (plan + PLAN_WORDS * last > words.length) words = new Int32Array(memory!.buffer);
    for (let command = control[SUBMIT + 5]!; Atomics.load(control, STOP) === 0; command++) {
      if (command === last) {
        const turns = --control[SUBMIT + 4]!;
        if (turns === 0 || isSet(until)) {
          // Nothing may be written after this: the leader begins the next submit at once.
          publish(ALL_DONE);
          return;
        }
        command = first;
      }
      const at = plan + PLAN_WORDS * command;
      const fn = words[at]!;
      const rows = words[at + 1]!;
      const items = words[at + 2]!;
      const perChunk = words[at + 3]!;
      Atomics.add(control, STEPS, 1);
      if (perChunk < items) {
        control[SUBMIT + 5] = command + 1;
        control.set([id, command, fn, rows, items, perChunk], COMMAND);
        Atomics.store(control, DONE, 0);
        publish(Math.ceil(items / perChunk));
        return;
      }
      run(program, command, fn, rows, 0, items);
    }
  }

  function chunksLeft(state: number): number {
    const left = state & 0xfff;
    return left === ALL_DONE ? 0 : left;
  }

  /** Lets all threads take chunks of what is at `COMMAND`; or none, or `ALL_DONE`. */
  function publish(chunks: number): void {
    const number = ((Atomics.load(control, STATE) >>> 12) + 1) & 0xfffff;
    Atomics.store(control, STATE, (number << 12) | chunks);
    if (Atomics.load(control, SLEEPERS) > 0) Atomics.notify(control, STATE);
  }

  /**
   * Takes chunks of the open command, and of those that it opens itself, until none is left.
   * @returns false if this thread does not know the command's program
   */
  function takeChunks(): boolean {
    for (;;) {
      const state = Atomics.load(control, STATE);
      const left = chunksLeft(state);
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
      if (Atomics.add(control, DONE, 1) + 1 === chunks) openNext();
    }
  }

  /** A helper's life between two messages: it returns when the leader knows a program that came by a later message. */
  function serve(): void {
    work(() => Atomics.load(control, EPOCH) > prepared || Atomics.load(control, STOP) !== 0);
  }

  /** Takes chunks as there are some. @param isOver is asked whenever `STATE` has changed */
  function work(isOver: (state: number) => boolean): void {
    for (;;) {
      const state = Atomics.load(control, STATE);
      if (isOver(state)) return;
      if (chunksLeft(state) > 0 && takeChunks()) continue;
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
