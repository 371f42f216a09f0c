#!/usr/bin/env node
/** The command `sotto`: finds the subcommand, turns signals into an abort and errors into exit statuses. */
import { fstatSync } from 'node:fs';
import { OptionsError } from '../base/errors.ts';
import { systemReason } from '../base/systemErrors.ts';
import { parseArguments } from './args.ts';
import { COMMAND_WORDS, type CommandWord } from './commandWords.ts';
import { listenForEndSignals } from './endSignals.ts';
import { errorText } from './errors.ts';
import { helpText } from './help.ts';
import { type CommandIo, EXIT, type InputStream } from './io.ts';
import { LATER, OPTIONS } from './options.ts';
import { watchedStdout } from './stdout.ts';
import { manifest } from './version.ts';

type Command = (argv: readonly string[], io: CommandIo) => Promise<number>;

/** Loaded when they are called, so that `--help` is quick. */
const COMMANDS: Readonly<Record<CommandWord, () => Promise<Command>>> = {
  help: async () => help,
  version: async () => showVersion,
  models: async () => (await import('./commands/models.ts')).modelsCommand,
  convert: async () => (await import('./commands/convert.ts')).convertCommand,
  fetch: async () => (await import('./commands/fetch.ts')).fetchCommand,
  align: async () => (await import('./commands/align.ts')).alignCommand,
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand,
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  batch: async () => (await import('./commands/batch.ts')).batchCommand,
  kernel: async () => (await import('./commands/kernel.ts')).kernelCommand,
  bench: async () => (await import('./commands/bench.ts')).benchCommand,
};

async function run(argv: readonly string[], io: CommandIo): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.stderr.write(helpText(process.stderr.columns));
    return EXIT.usage;
  }
  const word = COMMAND_WORDS.find((name) => name === first);
  if (word) return (await COMMANDS[word]())(rest, io);
  const parsed = parseArguments(argv, OPTIONS, LATER);
  if (parsed.help || parsed.version) {
    io.stdout.write(parsed.help ? helpText(io.stdout.columns) : `${manifest().version}\n`);
    return EXIT.ok;
  }
  const { transcribeCommand } = await import('./commands/transcribe.ts');
  return transcribeCommand(parsed, io);
}

/** `sotto help` is `sotto --help`, `sotto help convert` is `sotto convert --help`. */
async function help([about = '--help']: readonly string[], io: CommandIo): Promise<number> {
  return run(about.startsWith('-') ? ['--help'] : [about, '--help'], io);
}

async function showVersion(_: readonly string[], io: CommandIo): Promise<number> {
  return run(['--version'], io);
}

/** @throws {OptionsError} `noInput` for a folder, which Node takes for a pipe that has ended */
function openStdin(): InputStream {
  if (fstatSync(0).isDirectory()) {
    throw new OptionsError('noInput', 'Standard input is a folder, which gives no sound.', {
      hint: 'For example: sotto - < talk.wav',
    });
  }
  return process.stdin;
}

const { stderr } = process;
// A terminal that is gone, a log on a full disk: what would be said there is lost, the work is not.
stderr.on('error', () => {});
process.on('uncaughtException', (error) => {
  stderr.write(`${errorText(error)}\n`);
  process.exit(EXIT.failed);
});
let stdoutFailed = false;
const { stream: stdout, closed: stdoutClosed } = watchedStdout(process.stdout, (error) => {
  stdoutFailed = true;
  stderr.write(`sotto: Standard output cannot be written: ${systemReason(error)}.\n`);
});
// The last error of stdout comes after all is done.
process.on('exit', () => {
  if (stdoutFailed && !process.exitCode) process.exitCode = EXIT.failed;
});
const end = listenForEndSignals();
try {
  const { signal, allowGrace } = end;
  const io: CommandIo = { stdin: openStdin, stdout, stderr, signal, stdoutClosed, allowGrace };
  process.exitCode = await run(process.argv.slice(2), io);
} catch (error) {
  if (end.signal.aborted) process.exitCode = end.status() ?? EXIT.interrupted;
  else if (stdoutClosed.aborted && error === stdoutClosed.reason) process.exitCode = EXIT.ok;
  else {
    stderr.write(`${errorText(error)}\n`);
    process.exitCode = error instanceof OptionsError ? EXIT.usage : EXIT.failed;
  }
}
