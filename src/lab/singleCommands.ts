/** A program command by command: what looks at each of them between two. */
import type { Device } from '../engine/device.ts';
import type { Command, Program } from '../engine/program.ts';

/** The program's commands, each with scratch that outlives its submit: it becomes state of the device. */
export function singleCommands(device: Device, program: Program): readonly Command[] {
  const kept = new Map(
    program.scratch.map((t) => [t, device.allocate(`${program.name}.${t.name}`, t.dtype, t.shape, 'state')]),
  );
  return program.commands.map((command) => ({
    ...command,
    args: Object.fromEntries(Object.entries(command.args).map(([name, t]) => [name, kept.get(t) ?? t])),
  }));
}
