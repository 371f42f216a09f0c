/**
 * A device that measures each command of the programs run on it: it stands before another device and submits
 * command by command. What is computed is the same; the model above it knows nothing of it.
 *
 * What it takes to hand over nothing and wait for it, 100 us or so, is measured and taken off. Commands on little memory
 * that may be repeated (they change nothing that they read) run until a few milliseconds have passed instead; on much,
 * repeating would show how fast caches are, not how fast weights come from memory.
 */
import type { Device, Executable, SubmitOptions } from '../engine/device.ts';
import { byteLength, type Command, type Program, type Tensor, uses } from '../engine/program.ts';
import { singleCommands } from './singleCommands.ts';

/** All runs of the commands that are the same but for the tensors they name. */
export interface CommandProfile {
  readonly kernel: string;
  readonly variant: string;
  /** Sizes and parameters. */
  readonly title: string;
  readonly runs: number;
  readonly totalMs: number;
  /** Of all runs together, by the kernel's own `cost`. */
  readonly flops: number;
  readonly bytes: number;
}

export interface ProfiledDevice extends Device {
  /** Since the start or the last call, the longest first. */
  takeProfile(): readonly CommandProfile[];
}

interface Split extends Executable {
  readonly steps: readonly { readonly command: Command; readonly ready: Executable; readonly probe: Tensor }[];
}

const leastMs = 3;
const littleBytes = 1 << 18;

export function profileDevice(device: Device): ProfiledDevice {
  let entries = new Map<string, CommandProfile>();
  /** Everything in the order it was asked for; `submit` and `write` do not wait. */
  let queue: Promise<unknown> = Promise.resolve();
  let failure: unknown;
  const enqueue = (work: () => unknown): void => {
    queue = queue.then(work).catch((error) => {
      failure ??= error;
    });
  };

  const note = async (command: Command, liveRows: number | undefined, ms: number): Promise<void> => {
    const dims = { ...command.dims, ...(command.dims.rows && liveRows !== undefined && { rows: liveRows }) };
    const sizes = Object.entries({ ...dims, ...command.params }).filter(([name]) => !name.startsWith('panel'));
    const title = sizes.map(([name, size]) => `${name} ${size}`).join(' ');
    const variant = command.variant ?? (await device.variants(command, dims.rows))[0] ?? '';
    const key = `${command.kernel.name}/${variant} ${title}`;
    const { flops, bytes } = command.kernel.cost(dims, command.params);
    const before = entries.get(key);
    entries.set(key, {
      kernel: command.kernel.name,
      variant,
      title,
      runs: (before?.runs ?? 0) + 1,
      totalMs: (before?.totalMs ?? 0) + ms,
      flops: (before?.flops ?? 0) + flops,
      bytes: (before?.bytes ?? 0) + bytes,
    });
  };

  let emptyMs: number | undefined;
  /** Median time of a read with nothing before it. */
  const roundTrip = async (probe: Tensor): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < 51; i++) {
      const start = performance.now();
      await device.read(probe, 0, 1);
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b)[25]!;
  };

  const runOnce = async (work: Split, rows: number | undefined): Promise<void> => {
    for (const { command, ready, probe } of work.steps) {
      emptyMs ??= await roundTrip(probe);
      const time = async (times: number): Promise<number> => {
        const start = performance.now();
        device.submit(ready, { ...(rows !== undefined && { rows }), times });
        await device.read(probe, 0, 1);
        return Math.max(0, performance.now() - start - emptyMs!) / times;
      };
      let ms = await time(1);
      if (ms < leastMs && isRepeatable(command)) ms = await time(Math.min(1000, Math.ceil(leastMs / ms)));
      await note(command, rows, ms);
    }
  };

  return {
    kind: device.kind,
    description: `${device.description}, command by command`,
    panelWidth: device.panelWidth,
    crossPanelWidth: device.crossPanelWidth,
    maxTensorBytes: device.maxTensorBytes,
    lost: device.lost,
    allocate: (...args) => device.allocate(...args),
    free: (tensor) => enqueue(() => device.free(tensor)),
    get bytesHeld() {
      return device.bytesHeld;
    },
    variants: (...args) => device.variants(...args),
    write(target, data, offset) {
      const copy = data.slice();
      enqueue(() => device.write(target, copy, offset));
    },
    async prepare(programs, signal) {
      const split: Split[] = [];
      for (const program of programs) {
        const commands = singleCommands(device, program);
        const singles = commands.map((command): Program => ({ name: program.name, commands: [command], scratch: [] }));
        const ready = await device.prepare(singles, signal);
        split.push({
          program,
          steps: commands.map((command, i) => ({
            command,
            ready: ready[i]!,
            probe: [...uses(command)].find(({ access }) => access !== 'read')!.tensor,
          })),
        });
      }
      return split;
    },
    submit(work, { rows, times = 1, until }: SubmitOptions = {}) {
      enqueue(async () => {
        for (let turn = 0; turn < times; turn++) {
          if (until && turn > 0 && (await device.read(until, 0, 1))[0] !== 0) return;
          await runOnce(work as Split, rows); // made by prepare
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
      await device.close();
    },
    takeProfile() {
      const taken = [...entries.values()].sort((a, b) => b.totalMs - a.totalMs);
      entries = new Map();
      return taken;
    },
  };
}

function isRepeatable(command: Command): boolean {
  let bytes = 0;
  for (const { access, tensor } of uses(command)) {
    if (access === 'readwrite') return false;
    bytes += byteLength(tensor);
  }
  return bytes <= littleBytes;
}
