/** `sotto kernel --program encoder`: a whole program of a small random model beside f64, and the first command that parts from it. */
import { createReferenceDevice } from '../devices/reference/device.ts';
import type { Device } from '../engine/device.ts';
import type { KernelModule } from '../engine/kernel.ts';
import { checkProgram, type ProgramName, type ProgramReport } from '../lab/program/checkProgram.ts';
import type { CommandCheck } from '../lab/program/lockstep.ts';
import type { CommandIo } from './io.ts';

export interface ProgramRun {
  readonly program: ProgramName;
  /** Run in place of the kernel of the same name. */
  readonly edited?: KernelModule | undefined;
  readonly onDoing?: ((what: string) => void) | undefined;
}

/** @returns whether every command is right */
export async function runProgram(
  device: Device,
  { program, edited, onDoing }: ProgramRun,
  io: CommandIo,
): Promise<ProgramReport> {
  const { panelWidth, crossPanelWidth } = device;
  const report = await checkProgram(device, createReferenceDevice({ panelWidth, crossPanelWidth }), {
    program,
    edited: edited && [edited],
    signal: AbortSignal.any([io.signal, io.stdoutClosed]),
    onStart: (name, kernel) => onDoing?.(`${kernel} in ${name}`),
  });
  for (const line of programLines(report)) io.stdout.write(`${line}\n`);
  return report;
}

function programLines({ program, commands, firstWrong }: ProgramReport): readonly string[] {
  const worst = commands.reduce((most, one) => (one.worst > most.worst ? one : most));
  const end = commands.findLast(({ drift }) => drift > 0)?.drift ?? 0;
  if (!firstWrong)
    return [
      `  ${program}: ${commands.length} commands, worst error ${worst.worst.toFixed(2)} of the tolerance (${nameOf(worst)}), ` +
        `${end.toExponential(1)} from f64 at the end`,
    ];
  const wrong = commands.filter(({ right }) => !right).length;
  return [
    `  WRONG ${program}: the first command that parts is ${nameOf(firstWrong)}, ${firstWrong.title}`,
    ...firstWrong.failures.map((failure) => `    ${failure}`),
    `    ${commands.indexOf(firstWrong)} commands before it are right; ${wrong} of ${commands.length} are wrong on their own inputs`,
  ];
}

function nameOf({ program, index, kernel, variant }: CommandCheck): string {
  return `${program} ${index + 1}, ${kernel}/${variant}`;
}
