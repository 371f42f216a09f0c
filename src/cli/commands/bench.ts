/** `sotto bench`: how fast sotto is on this machine, in which memory, and how right. */

import { basename } from 'node:path';
import { locateModel } from '../../../weights/locate.ts';
import { OptionsError } from '../../base/errors.ts';
import type { Warning } from '../../base/progress.ts';
import { differencesOf } from '../../benchmark/baseline.ts';
import { reportChart } from '../../benchmark/chart.ts';
import { type Measured, measureInTurn } from '../../benchmark/measure.ts';
import { BENCH_SCHEMA, type BenchConfiguration, type BenchReport, titleOf } from '../../benchmark/report.ts';
import { machineLine, reportTable, wordsLine } from '../../benchmark/table.ts';
import { chooseDevice } from '../../devices/choose.ts';
import { checkAdapter } from '../../runtime/checkAdapter.ts';
import { parseArguments } from '../args.ts';
import { describeMachine, loadAverage } from '../benchMachine.ts';
import { isOfRow, MEASURE, measureInProcess, measureTask } from '../benchProcess.ts';
import { BENCH_COMMAND_OPTIONS, type BenchSettings, configurationsOf, readBenchSettings } from '../benchSettings.ts';
import { optionLines } from '../help.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { hostPlatform } from '../platform.ts';
import { ProgressDisplay } from '../progress.ts';
import { writeResultFile } from '../resultFile.ts';
import { manifest } from '../version.ts';

const HEAD = `sotto bench: how fast sotto is on this machine, in which memory, and how right.

Usage:  sotto bench [options]

Examples:
  sotto bench                                          tiny, 11 s of speech
  sotto bench -m tiny,base --dtype f32,int8 --threads 1,2    eight rows
  sotto bench --audio talk.mp3 --text talk.txt --batch 1,8   your own sound: time beside word errors
  sotto bench --json now.json --svg chart.svg --markdown     to paste
  sotto bench --json after.json --baseline now.json          what a change has done

A row is measured --runs times, each in a process of its own that loads the model and transcribes twice; rows take turns.
Load, first text and first run are medians; of the later runs the least and the largest stand in brackets: the spread. Two
tables agree where these overlap. Real time: seconds of sound a second.
Exit status: 0 if every row was measured, 1 if one could not be, 2 for wrong arguments.
`;

export async function benchCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const [first, task] = argv;
  if (first === MEASURE && task !== undefined && process.send) return measureTask(task, io);
  const { files, values, help } = parseArguments(argv, BENCH_COMMAND_OPTIONS);
  if (help) {
    const columns = Math.max(30, Math.min(io.stdout.columns ?? 80, 110));
    io.stdout.write([HEAD.trimEnd(), ...optionLines(BENCH_COMMAND_OPTIONS, columns), '', ''].join('\n'));
    return EXIT.ok;
  }
  if (files.length > 0)
    throw new OptionsError('benchArguments', `bench takes options alone, and was given ${files.join(' ')}.`, {
      hint: 'A recording is named with --audio, a model with --model.',
    });
  const settings = readBenchSettings(values);
  const display = new ProgressDisplay(io.stderr);
  try {
    const report = await measureAll(settings, display, io);
    display.clear();
    return tellReport(report, settings, io);
  } finally {
    display.clear();
  }
}

async function measureAll(settings: BenchSettings, display: ProgressDisplay, io: CommandIo): Promise<BenchReport> {
  const { models, runs, audio, language, cacheDir, adapter, transcript } = settings;
  const { signal } = io;
  await checkAdapter(hostPlatform(), { adapter, device: 'webgpu' });
  for (const model of models) await findModel(model, settings, display, signal);
  const configurations = configurationsOf(settings, await devicesHere(settings), hostPlatform().hardwareThreads);
  const count = configurations.length;
  display.line(`${count === 1 ? '1 row' : `${count} rows`}, ${runs === 1 ? 'once' : `${runs} times each`}`);
  const loadBefore = loadAverage();
  const measureOne = async (
    configuration: BenchConfiguration,
    run: number,
  ): Promise<Measured | { readonly code: string; readonly message: string }> => {
    io.stdoutClosed.throwIfAborted();
    const title = titleOf(configuration);
    display.wait(`run ${run + 1} of ${runs}: ${title}`);
    try {
      const measured = await measureInProcess({ ...configuration, audio, language, cacheDir, adapter }, signal);
      if (settings.isVerbose) display.line(`${run + 1}/${runs} ${title}: ${sampleText(measured)}`);
      return measured;
    } catch (error) {
      if (!isOfRow(error)) throw error;
      const hint = error.hint === undefined ? '' : ` ${error.hint}`;
      display.note(`${title} cannot be measured: ${error.message}${hint}`);
      return { code: error.code, message: error.message };
    }
  };
  const { rows, failures, seconds = 0 } = await measureInTurn(configurations, runs, measureOne, transcript);
  return {
    schema: BENCH_SCHEMA,
    sotto: manifest().version,
    date: new Date().toISOString(),
    machine: describeMachine(loadBefore),
    recording: { name: basename(audio), seconds },
    rows,
    failures,
  };
}

/** A name or a folder; an address is left to `load`. */
async function findModel(
  model: string,
  { cacheDir }: BenchSettings,
  display: ProgressDisplay,
  signal: AbortSignal,
): Promise<void> {
  if (/^https?:/i.test(model)) return;
  display.wait(`looking for the model ${model}`);
  const onWarning = ({ message }: Warning): void => display.note(message);
  await locateModel(model, { cacheDir, signal, onProgress: display.show, onWarning });
}

/** @returns `auto` as the device that it takes here */
async function devicesHere({ devices }: BenchSettings): Promise<readonly string[]> {
  const kinds: string[] = [];
  for (const device of devices) {
    if (device !== 'auto') {
      kinds.push(device);
      continue;
    }
    const chosen = await chooseDevice(hostPlatform(), 'auto', { threads: 1 });
    kinds.push(chosen.kind);
    await chosen.close();
  }
  return [...new Set(kinds)];
}

function sampleText({ sample, description, isSoftware }: Measured): string {
  const { loadMs, firstTextMs, firstRunMs, laterRunMs } = sample;
  const times = [loadMs, firstTextMs, firstRunMs, laterRunMs].map((ms) => (ms / 1000).toFixed(2));
  const device = isSoftware ? `${description} (software)` : description;
  return `load ${times[0]} s, first text ${times[1]} s, first run ${times[2]} s, later ${times[3]} s; ${device}`;
}

function tellReport(report: BenchReport, settings: BenchSettings, io: CommandIo): number {
  const { json, svg, baseline, isMarkdown } = settings;
  if (report.rows.length === 0) return EXIT.failed;
  if (json !== undefined) writeResultFile(json, `${JSON.stringify(report, undefined, 1)}\n`);
  if (svg !== undefined) writeResultFile(svg, reportChart(report));
  const { name, seconds } = report.recording;
  io.stdout.write(reportTable(report, isMarkdown ? 'markdown' : 'text', baseline));
  const notes = [
    `${name}, ${seconds.toFixed(1)} s; sotto ${report.sotto}; ${machineLine(report.machine)}.`,
    wordsLine(report),
    ...(baseline ? differencesOf(report, baseline) : []),
  ];
  io.stdout.write(`\n${notes.join('\n')}\n`);
  return report.failures.length > 0 ? EXIT.failed : EXIT.ok;
}
