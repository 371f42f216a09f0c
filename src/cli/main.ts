#!/usr/bin/env node
/** The command `sotto`: finds the subcommand, turns Ctrl-C into an abort and errors into exit statuses. */
import { OptionsError } from '../base/errors.ts';
import { errorText } from './errors.ts';
import { helpText } from './help.ts';
import { type CommandIo, EXIT } from './io.ts';

type Command = (argv: readonly string[], io: CommandIo) => Promise<number>;

/** Loaded when they are called, so that `--help` is quick. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  convert: async () => (await import('./commands/convert.ts')).convertCommand,
  kernel: async () => (await import('./commands/kernel.ts')).kernelCommand,
};

async function run(argv: readonly string[], io: CommandIo): Promise<number> {
  const first = argv[0];
  if (first === undefined) {
    io.stderr.write(helpText(process.stderr.columns));
    return EXIT.usage;
  }
  const named = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  if (named) return (await named())(argv.slice(1), io);
  const { transcribeCommand } = await import('./commands/transcribe.ts');
  return transcribeCommand(argv, io);
}

const controller = new AbortController();
process.on('SIGINT', () => {
  // The second time, whatever is still running is not waited for.
  if (controller.signal.aborted) process.exit(EXIT.interrupted);
  controller.abort();
});
process.on('SIGTERM', () => controller.abort());
// `sotto ... | head`: nobody reads on, so there is nothing more to do.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.ok);
});

const { signal } = controller;
try {
  const { stdout, stderr } = process;
  process.exitCode = await run(process.argv.slice(2), { stdin: () => process.stdin, stdout, stderr, signal });
} catch (error) {
  if (signal.aborted) process.exitCode = EXIT.interrupted;
  else {
    process.stderr.write(`${errorText(error)}\n`);
    process.exitCode = error instanceof OptionsError ? EXIT.usage : EXIT.failed;
  }
}
