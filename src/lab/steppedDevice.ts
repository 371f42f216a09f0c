/**
 * A device that runs programs command by command, in front of another one: for those who look at each command. What is computed
 * is the same; the model above it knows nothing of it.
 */
import type { Device, Executable, SubmitOptions } from '../engine/device.ts';
import type { Command, Program } from '../engine/program.ts';
import { singleCommands } from './singleCommands.ts';

/** Where a command stands. */
export interface StepPlace {
  readonly program: string;
  /** Of the command in it, from 0. */
  readonly index: number;
}

/** What happens at each command; `S` is what is prepared for one. */
export interface Stepping<S> {
  /** Of the device, in words. */
  readonly description: string;
  /** What is run in place of a command; itself when absent. */
  replaced?(command: Command): Promise<Command>;
  /** @param single the command as a program of its own */
  prepare(single: Program, ready: Executable, command: Command): S | Promise<S>;
  run(step: S, place: StepPlace, rows: number | undefined): Promise<void>;
  /** Beside the device's own. */
  write?(...args: Parameters<Device['write']>): void;
  free?(...args: Parameters<Device['free']>): void;
  close?(): Promise<void>;
}

interface Stepped<S> extends Executable {
  readonly steps: readonly S[];
}

/** Errors of writes and commands come out of the next read. */
export function steppedDevice<S>(device: Device, stepping: Stepping<S>): Device {
  /** Everything in the order it was asked for; `submit` and `write` do not wait. */
  let queue: Promise<unknown> = Promise.resolve();
  let failure: unknown;
  const enqueue = (work: () => unknown): void => {
    queue = queue.then(work).catch((error: unknown) => {
      failure ??= error;
    });
  };

  return {
    kind: device.kind,
    description: stepping.description,
    panelWidth: device.panelWidth,
    crossPanelWidth: device.crossPanelWidth,
    maxTensorBytes: device.maxTensorBytes,
    lost: device.lost,
    get bytesHeld() {
      return device.bytesHeld;
    },
    allocate: (...args) => device.allocate(...args),
    free(tensor) {
      enqueue(() => {
        device.free(tensor);
        stepping.free?.(tensor);
      });
    },
    variants: (...args) => device.variants(...args),
    write(target, data, offset) {
      const copy = data.slice();
      enqueue(() => {
        device.write(target, copy, offset);
        stepping.write?.(target, copy, offset);
      });
    },
    async prepare(programs, signal) {
      const prepared: Stepped<S>[] = [];
      for (const program of programs) {
        const given = singleCommands(device, program);
        const commands = await Promise.all(given.map(async (command) => stepping.replaced?.(command) ?? command));
        const singles = commands.map((command): Program => ({ name: program.name, commands: [command], scratch: [] }));
        const ready = await device.prepare(singles, signal);
        const steps = await Promise.all(singles.map((single, i) => stepping.prepare(single, ready[i]!, commands[i]!)));
        prepared.push({ program, steps });
      }
      return prepared;
    },
    submit(work, { rows, times = 1, until }: SubmitOptions = {}) {
      enqueue(async () => {
        const { program, steps } = work as Stepped<S>; // made by prepare
        for (let turn = 0; turn < times; turn++) {
          if (until && turn > 0 && (await device.read(until, 0, 1))[0] !== 0) return;
          for (const [index, step] of steps.entries()) await stepping.run(step, { program: program.name, index }, rows);
        }
      });
    },
    async read(source, begin, end) {
      await queue;
      if (failure) throw failure;
      return device.read(source, begin, end);
    },
    async close() {
      await queue;
      await stepping.close?.();
      await device.close();
    },
  };
}
