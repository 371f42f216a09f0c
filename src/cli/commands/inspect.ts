/** `sotto inspect RECORDING`: what happens inside a window of a recording, as JSON and drawings. */
import { basename, extname, join } from 'node:path';
import { OptionsError, OutputError } from '../../base/errors.ts';
import type { Warning } from '../../base/progress.ts';
import { isSystemError, systemReason } from '../../base/systemErrors.ts';
import { writeAtomically } from '../../files/output.ts';
import { makeFolder, tryFolder } from '../../files/outputFolder.ts';
import { lookAtRecording } from '../../files/recordings.ts';
import { DRAWINGS } from '../../inspect/draw/drawings.ts';
import type { Inspection } from '../../inspect/inspection.ts';
import { inspectRecording } from '../../inspect/inspectRecording.ts';
import { inspectionJson } from '../../inspect/json.ts';
import { INSPECT_NAMES, INSPECT_OPTIONS, type InspectOptions, inspectOptions } from '../../inspect/options.ts';
import { load } from '../../load.node.ts';
import { readOptions, type WrittenOption, writtenOptions } from '../../options/text.ts';
import { parseArguments } from '../args.ts';
import { errorText } from '../errors.ts';
import { optionLines } from '../help.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { modelLine } from '../modelLine.ts';
import { givenOptions, OPTIONS } from '../options.ts';
import { hostPlatform } from '../platform.ts';
import { ProgressDisplay } from '../progress.ts';
import { readSettings } from '../settings.ts';

const HEAD = `sotto inspect: what happens inside a window of a recording.

Usage:  sotto inspect RECORDING [options]

Examples:
  sotto inspect talk.mp3 -m base                 the first window
  sotto inspect talk.mp3 -m base --at 95 -o look   the window with second 95, into a folder
  sotto inspect talk.mp3 -m tiny --layer 2 --head 2   one head's attention, drawn too

Writes NAME.inspect.json (docs/inspect.md), NAME.mel.svg (the sound and its words), NAME.attention.svg (the path that words
are timed by), NAME.head.svg (one head's, with --layer and --head), NAME.candidates.svg (each token's candidates, and which
rule struck out what) and, where beams were searched, NAME.beams.svg. The window is decoded as "sotto RECORDING --word_timestamps True" does.
`;

const COMMAND_NAMES: readonly string[] = ['model', 'outputDir', 'temperatureIncrementOnFallback'];
const LOOK_OPTIONS = writtenOptions(INSPECT_OPTIONS, ['inspect']);
const OWN_NAMES: readonly string[] = LOOK_OPTIONS.map(({ name }) => name);
const INSPECT_COMMAND_OPTIONS: readonly WrittenOption[] = [
  ...LOOK_OPTIONS,
  ...OPTIONS.filter(({ path: [name], where }) => {
    return where.includes('load') || [...COMMAND_NAMES, ...INSPECT_NAMES].includes(name);
  }),
];

export async function inspectCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const { files, values, help } = parseArguments(argv, INSPECT_COMMAND_OPTIONS);
  if (help) {
    const columns = Math.max(30, Math.min(io.stdout.columns ?? 80, 110));
    io.stdout.write([HEAD.trimEnd(), ...optionLines(INSPECT_COMMAND_OPTIONS, columns), '', ''].join('\n'));
    return EXIT.ok;
  }
  const [named, ...others] = files;
  if (named === undefined || others.length > 0) {
    throw new OptionsError('noInput', `inspect takes one recording, and was given ${files.length}.`, {
      hint: 'For example: sotto inspect talk.mp3',
    });
  }
  const look = new Map([...values].filter(([name]) => OWN_NAMES.includes(name)));
  const rest = new Map(
    [...values, ['word_timestamps', 'True']].filter(([name]) => !OWN_NAMES.includes(name!)) as [string, string][],
  );
  const settings = readSettings(givenOptions(rest));
  const decoding = Object.fromEntries(
    Object.entries(settings.transcribe).filter(([name]) => INSPECT_NAMES.includes(name)),
  );
  const options: InspectOptions = { ...decoding, ...readOptions(INSPECT_OPTIONS, ['inspect'], look, '--') };
  inspectOptions(options);
  tryFolder(settings.outputDir);
  const recording = lookAtRecording(named);
  const display = new ProgressDisplay(io.stderr, { isQuiet: false });
  const note = ({ message }: Warning): void => display.note(message);
  const call = { signal: io.signal, onProgress: display.show, onWarning: note };
  display.wait(`looking for the model ${settings.model}`);
  const whisper = await load(settings.model, { ...settings.load, ...call, platform: hostPlatform(), until: 'encoder' });
  try {
    display.line(modelLine(settings.model, whisper));
    const found = await inspectRecording(whisper, recording, { ...options, ...call });
    display.clear();
    for (const path of writeInspection(found, settings.outputDir, basename(recording, extname(recording))))
      io.stdout.write(`${path}\n`);
    return EXIT.ok;
  } catch (error) {
    if (io.signal.aborted || error instanceof OptionsError) throw error;
    display.clear();
    io.stderr.write(`${errorText(error, recording)}\n`);
    return EXIT.failed;
  } finally {
    display.clear();
    await whisper.close();
  }
}

/** @returns the files @throws {OutputError} `file` */
function writeInspection(found: Inspection, folder: string, name: string): string[] {
  const texts: [string, string | undefined][] = [
    ['inspect.json', inspectionJson(found)],
    ...Object.entries(DRAWINGS).map(([what, draw]): [string, string | undefined] => [`${what}.svg`, draw(found)]),
  ];
  return texts.flatMap(([ending, text]) => {
    if (text === undefined) return [];
    const path = join(folder, `${name}.${ending}`);
    try {
      makeFolder(folder);
      writeAtomically(path, text);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw new OutputError('file', `${path} cannot be written: ${systemReason(error)}.`, { cause: error });
    }
    return [path];
  });
}
