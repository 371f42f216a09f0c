/**
 * `sotto kernel NAME --print_wgsl` and `--wgsl FILE`: the code of one variant for one case, to edit in any editor, and what
 * has become of it, checked over all cases. The file's first line says which case it is for.
 */
import { readFileSync } from 'node:fs';
import { KernelError, OptionsError } from '../base/errors.ts';
import type { KernelModule } from '../engine/kernel.ts';
import { type Fork, forkModule, type KernelPlace, kernelPlaces, wgslOf } from '../lab/fork.ts';
import { measurePeaks } from '../lab/peaks.ts';
import { type CompilingDevice, type ForkReport, runFork } from '../lab/runFork.ts';
import type { CaseResult, TimedCase } from '../lab/runPlaces.ts';
import { deviceLine } from './deviceLine.ts';
import type { CommandIo } from './io.ts';

/** What is asked for on the command line; absent: the first that runs. */
export interface WantedPlace {
  readonly variant?: string | undefined;
  /** From 1. */
  readonly number?: number | undefined;
}

export interface EditedFile extends WantedPlace {
  readonly path: string;
  readonly wgsl: string;
}

const FIRST_LINE = /^\/\/ sotto kernel (\w+) --variant (\w+) --case (\d+)[^\n]*\n/;

/** @throws {OptionsError} `kernelFile` when it cannot be read, is empty, or is of another kernel */
export function readEdited(path: string, kernel: string): EditedFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new OptionsError('kernelFile', `${path} cannot be read: ${(cause as Error).message}`, {
      hint: `sotto kernel ${kernel} --print_wgsl > ${path} writes one to start from.`,
      cause,
    });
  }
  const [, name, variant, number] = FIRST_LINE.exec(text) ?? [];
  if (name !== undefined && name !== kernel)
    throw new OptionsError('kernelFile', `${path} is of the kernel ${name}, not ${kernel}.`, {
      hint: `sotto kernel ${name} --wgsl ${path}`,
    });
  if (text.trim() === '') throw new OptionsError('kernelFile', `${path} is empty.`);
  return { path, wgsl: text, variant, number: number === undefined ? undefined : Number(number) };
}

/** @throws {KernelError} `noVariant` with what there is */
export async function findPlace(
  device: CompilingDevice,
  module: KernelModule,
  { variant, number }: WantedPlace,
): Promise<KernelPlace> {
  const places = await kernelPlaces(device, module);
  const found = places.find(
    (place) =>
      (variant === undefined || place.variant === variant) && (number === undefined || place.caseIndex === number - 1),
  );
  if (found) return found;
  const wanted = [variant && `variant ${variant}`, number !== undefined && `case ${number}`].filter(Boolean).join(', ');
  const there = [...new Set(places.map((place) => place.variant))].map((name) => {
    const cases = places.filter((place) => place.variant === name).map(({ caseIndex }) => caseIndex + 1);
    return `${name} (cases ${[...new Set(cases)].join(', ')})`;
  });
  throw new KernelError('noVariant', `${module.kernel.name} does not run ${wanted || 'a case'} on this GPU.`, {
    hint: there.length > 0 ? `There are: ${there.join('; ')}.` : 'It has no WGSL.',
  });
}

/** A file to start from. */
export async function printable(device: CompilingDevice, module: KernelModule, wanted: WantedPlace): Promise<string> {
  const place = await findPlace(device, module, wanted);
  const { bindings, wgsl } = await wgslOf(device, module, place);
  const given = bindings
    .trim()
    .split('\n')
    .map((line) => `// ${line}`);
  return [
    `${firstLine(module, place)}  (${place.title})`,
    '// These stand before it, and need not be written:',
    ...given,
    `// Sizes by name: ${Object.keys({ ...module.cases[place.caseIndex]!.dims, ...module.kernel.params }).join(', ')}.`,
    wgsl.trim(),
    '',
  ].join('\n');
}

function firstLine({ kernel }: KernelModule, { variant, caseIndex }: KernelPlace): string {
  return `// sotto kernel ${kernel.name} --variant ${variant} --case ${caseIndex + 1}`;
}

export interface RunEditedOptions {
  readonly time: boolean;
  readonly json: boolean;
  /** Told before each step that may not come back. */
  readonly onDoing?: ((what: string) => void) | undefined;
}

/** Checks the file's code, times it when it is right, and says so, or gives the report as JSON. */
export async function runEdited(
  device: CompilingDevice,
  module: KernelModule,
  edited: EditedFile,
  { time, json, onDoing }: RunEditedOptions,
  io: CommandIo,
): Promise<ForkReport> {
  const place = await findPlace(device, module, edited);
  const fork: Fork = { kernel: module.kernel.name, ...place, wgsl: edited.wgsl };
  const say = (line: string): void => {
    if (!json) io.stdout.write(`${line}\n`);
  };
  onDoing?.('measuring what the GPU can do at most');
  const peaks = time ? await measurePeaks(device) : undefined;
  onDoing?.('the compiler');
  say(`\n${deviceLine(device, peaks)}`);
  const report = await runFork(device, module, fork, {
    peaks,
    signal: AbortSignal.any([io.signal, io.stdoutClosed]),
    onStart: ({ title }) => onDoing?.(title),
    onCase: (result) => {
      for (const line of wrongLines(module, result)) say(line);
    },
    onTiming: (timing) => say(timingLine(timing)),
  });
  for (const { type, line, column, text } of report.messages)
    say(`  ${edited.path}:${line}:${column}: ${type}: ${text}`);
  if (report.compiles) say(`  ${summary(module, report)}`);
  if (json) io.stdout.write(`${JSON.stringify({ file: edited.path, ...report }, finite, 1)}\n`);
  return report;
}

/** The kernel with the file's code. @throws {KernelError} `noVariant`, `edit` */
export async function editedModule(
  device: CompilingDevice,
  module: KernelModule,
  edited: EditedFile,
): Promise<KernelModule> {
  const place = await findPlace(device, module, edited);
  return forkModule(device, module, { kernel: module.kernel.name, ...place, wgsl: edited.wgsl });
}

function wrongLines({ kernel }: KernelModule, { place, failures, outputs }: CaseResult): readonly string[] {
  return failures.map((failure) => {
    const output = outputs.find((one) => one.failure === failure);
    const share = output
      ? ` (${output.wrong} of ${output.count} wrong${output.nans ? `, ${output.nans} NaN` : ''})`
      : '';
    return `  WRONG ${kernel.name}/${place.variant} case ${place.caseIndex + 1}, ${place.title}: ${failure}${share}`;
  });
}

function timingLine({ bestMs, medianMs, gflops, gigabytes, roofline, place }: TimedCase): string {
  const figures = `${bestMs.toFixed(3)} ms (median ${medianMs.toFixed(3)}), ${gflops.toFixed(1)} GFLOP/s, ${gigabytes.toFixed(1)} GB/s`;
  return `  ${figures}, ${(100 * roofline).toFixed(0)} % of the roofline: ${place.title}`;
}

function summary({ kernel }: KernelModule, { variant, cases, right }: ForkReport): string {
  const wrong = cases.filter((result) => !result.right).length;
  const worst = Math.max(...cases.map((result) => result.worst));
  const found = right ? `worst error ${worst.toFixed(2)} of the tolerance` : `${wrong} wrong, so nothing is timed`;
  return `${kernel.name}/${variant}, edited: ${cases.length} cases, ${found}`;
}

/** JSON has no NaN and no infinity. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
