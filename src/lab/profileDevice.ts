/**
 * A device that measures each command of the programs run on it: by its own clock, if it has one.
 *
 * Where it has none, what it takes to hand over nothing and wait for it, 100 us or so, is measured and taken off. Commands on little memory
 * that may be repeated (they change nothing that they read) run until a few milliseconds have passed instead; on much,
 * repeating would show how fast caches are, not how fast weights come from memory.
 */
import type { Device, Executable } from '../engine/device.ts';
import { byteLength, type Command, type Tensor, uses } from '../engine/program.ts';
import { steppedDevice } from './steppedDevice.ts';

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

interface Step {
  readonly command: Command;
  readonly ready: Executable;
  /** What it writes: read, so that it is waited for. */
  readonly probe: Tensor;
}

const leastMs = 3;
const littleBytes = 1 << 18;

export function profileDevice(device: Device): ProfiledDevice {
  let entries = new Map<string, CommandProfile>();

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

  const run = async ({ command, ready, probe }: Step, rows: number | undefined): Promise<void> => {
    const { measure } = device;
    if (!measure) emptyMs ??= await roundTrip(probe);
    const time = async (times: number): Promise<number> => {
      if (measure) return (await measure(ready, { ...(rows !== undefined && { rows }), times })) / times;
      const start = performance.now();
      device.submit(ready, { ...(rows !== undefined && { rows }), times });
      await device.read(probe, 0, 1);
      return Math.max(0, performance.now() - start - emptyMs!) / times;
    };
    let ms = await time(1);
    if (ms < leastMs && isRepeatable(command)) ms = await time(Math.min(1000, Math.ceil(leastMs / ms)));
    await note(command, rows, ms);
  };

  const stepped = steppedDevice<Step>(device, {
    description: `${device.description}, command by command`,
    prepare: (_single, ready, command) => ({
      command,
      ready,
      probe: [...uses(command)].find(({ access }) => access !== 'read')!.tensor,
    }),
    run: (step, _place, rows) => run(step, rows),
  });
  return Object.assign(stepped, {
    takeProfile() {
      const taken = [...entries.values()].sort((a, b) => b.totalMs - a.totalMs);
      entries = new Map();
      return taken;
    },
  });
}

function isRepeatable(command: Command): boolean {
  let bytes = 0;
  for (const { access, tensor } of uses(command)) {
    if (access === 'readwrite') return false;
    bytes += byteLength(tensor);
  }
  return bytes <= littleBytes;
}
