/** `sotto batch`: many recordings, with a journal of what was done. */
import { OptionsError } from '../../base/errors.ts';
import { parseArguments } from '../args.ts';
import { QUEUE_WORDS } from '../batchCall.ts';
import { localBatch } from '../batchLocal.ts';
import { BATCH_COMMAND_OPTIONS, readBatchSettings } from '../batchSettings.ts';
import { batchWorker, WORKER } from '../batchWorker.ts';
import { optionLines } from '../help.ts';
import { type CommandIo, EXIT } from '../io.ts';

const HEAD = `sotto batch: many recordings, on one machine or on its part of them.

Usage:  sotto batch SOURCE... -o DIR [options]

Examples:
  sotto batch ./recordings -o out -m base            out/REL/NAME.json for each recording below the folder
  sotto batch ./recordings -o out -f srt,txt --workers 2    two processes, subtitles and text
  sotto batch list.txt -o out                        a path or an address a line
  find / -name "*.mp3" | sotto batch - -o out        the same from standard input
  sotto batch talks.jsonl -o out                     {"id": "a1", "audio": "a1.wav", "options": {"language": "de"}}
  sotto batch ./recordings -o out --retry_failed     what failed before once more
  sotto batch ./recordings -o out --shard 2/5        the second of five machines
  sotto batch s3://talks/2026 -o s3://texts/2026     in S3, whose place and keys are in AWS_... variables
  sotto batch enqueue|work|status|retry --queue redis://broker:6379 ...    over machines, through a queue

A SOURCE is a folder, a recording, an address, or a list of them. The files are those that "sotto AUDIO" writes, to the
byte. A run that was stopped goes on with the same command: what is there, made with the same model and options from the
same recording, is not made again. What was done and what failed is in DIR/batch.jsonl. Exit status: 1 if a recording
failed, now or before. docs/batch.md says what happens on each failure.
`;

export async function batchCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const [first, ...rest] = argv;
  if (first === WORKER && process.send) return batchWorker(rest, io);
  const word = QUEUE_WORDS.find((one) => one === first);
  if (word) return (await import('./batchQueue.ts')).queueCommand(word, rest, io);
  refuseQueue(argv);
  const { files, values, help } = parseArguments(argv, BATCH_COMMAND_OPTIONS);
  if (!help) return localBatch(files, readBatchSettings(values), values, io);
  const columns = Math.max(30, Math.min(io.stdout.columns ?? 80, 110));
  io.stdout.write([HEAD.trimEnd(), ...optionLines(BATCH_COMMAND_OPTIONS, columns), '', ''].join('\n'));
  return EXIT.ok;
}

/** A queue is put into or worked on: which of them has to be said. */
function refuseQueue(argv: readonly string[]): void {
  if (!argv.some((argument) => /^--queue\b/.test(argument))) return;
  throw new OptionsError('batchArguments', 'It is not said what is to be done with the queue.', {
    hint: `sotto batch ${QUEUE_WORDS.join('|')} --queue URL; sotto batch enqueue --help explains them.`,
  });
}
