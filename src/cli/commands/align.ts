/** `sotto align RECORDING TEXT`: when each word of a known text is said. */
import { OptionsError } from '../../base/errors.ts';
import type { Warning } from '../../base/progress.ts';
import { strip } from '../../base/python.ts';
import { writeOutputs } from '../../files/output.ts';
import { load } from '../../load.node.ts';
import { formatTimestamp } from '../../output/timestamp.ts';
import type { Alignment } from '../../transcribe/align/alignment.ts';
import { textLines } from '../../transcribe/align/textLines.ts';
import type { Unmatched } from '../../transcribe/transcript.ts';
import { ALIGN_COMMAND_OPTIONS, readAlignSettings } from '../alignSettings.ts';
import { parseArguments } from '../args.ts';
import { errorText } from '../errors.ts';
import { optionLines } from '../help.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { modelLine } from '../modelLine.ts';
import { hostPlatform } from '../platform.ts';
import { formatsOf, prepareRun } from '../prepareRun.ts';
import { ProgressDisplay } from '../progress.ts';
import { isSameFile, readTextFile } from '../textFile.ts';

const HEAD = `sotto align: when each word of a known text is said.

Usage:  sotto align RECORDING TEXT [options]

Examples:
  sotto align talk.mp3 talk.txt -m base              talk.srt and talk.json: each line of the text with its times
  sotto align film.mp4 old.srt -f srt -o new         the cues of subtitles, with new times
  sotto align song.flac lyrics.txt -f lrc --highlight_words True    lyrics, each word with its time
  sotto align talk.mp3 talk.txt --max_line_width 42 --max_line_count 2    paragraphs as short subtitles

TEXT is plain text in UTF-8, whose lines become segments, or subtitles (.srt, .vtt), whose cues do. Words that are not
said, and what is said and is not in the text, are listed, and in talk.json as "unmatched"; they move no other word.
Numbers are found as they are spoken or not at all: "1945" may be listed where somebody says "nineteen forty-five".
Exit status: 0 if at least half of the words were found, 1 if fewer were; if none was, nothing is written.
`;

/** Lines of the list on a terminal; the JSON has all. */
const MOST_LISTED = 20;
/** Characters of a line's text. */
const MOST_SHOWN = 60;

export async function alignCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const { files, values, help } = parseArguments(argv, ALIGN_COMMAND_OPTIONS);
  if (help) {
    const columns = Math.max(30, Math.min(io.stdout.columns ?? 80, 110));
    io.stdout.write([HEAD.trimEnd(), ...optionLines(ALIGN_COMMAND_OPTIONS, columns), '', ''].join('\n'));
    return EXIT.ok;
  }
  const [recording, textFile, ...others] = files;
  if (recording === undefined || textFile === undefined || others.length > 0) {
    const found = files.length === 1 ? 'one file' : `${files.length} files`;
    throw new OptionsError('alignArguments', `align takes a recording and a text, and was given ${found}.`, {
      hint: 'For example: sotto align talk.mp3 talk.txt',
    });
  }
  const settings = readAlignSettings(values);
  const lines = textLines(readTextFile(textFile));
  const display = new ProgressDisplay(io.stderr, { isQuiet: settings.verbose === null });
  const note = (sentence: string): void => display.note(sentence);
  const refused = (error: unknown, file: string): void => {
    io.stderr.write(`${errorText(error, file)}\n`);
  };
  const run = { recordings: [recording], folder: settings.outputDir, formats: formatsOf(settings.outputFormat) };
  const [output] = prepareRun(run, { refused, note });
  if (!output) return EXIT.failed;
  for (const { path } of output.targets) if (isSameFile(path, textFile)) throw overwritten(path);
  const call = { signal: io.signal, onProgress: display.show, onWarning: ({ message }: Warning) => note(message) };
  display.wait(`looking for the model ${settings.model}`);
  const whisper = await load(settings.model, { ...settings.load, ...call, platform: hostPlatform(), until: 'encoder' });
  try {
    display.line(modelLine(settings.model, whisper));
    const alignment = await whisper.align(recording, lines, { ...settings.align, ...call });
    display.clear();
    if (alignment.segments.length > 0) writeOutputs(alignment, output.targets, settings.layout);
    if (settings.verbose) printSegments(alignment, io);
    tell(alignment, settings.verbose === null ? note : (line) => display.line(line));
    return 2 * alignment.foundCount >= alignment.wordCount && alignment.foundCount > 0 ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (io.signal.aborted || error instanceof OptionsError) throw error;
    display.clear();
    refused(error, recording);
    return EXIT.failed;
  } finally {
    display.clear();
    await whisper.close();
  }
}

function overwritten(path: string): OptionsError {
  return new OptionsError('overwrites', `${path} is the text, and would be replaced by what is written.`, {
    hint: 'Name another folder with --output_dir, or other formats with --output_format.',
  });
}

function printSegments({ segments }: Alignment, io: CommandIo): void {
  for (const { start, end, text } of segments)
    io.stdout.write(`[${formatTimestamp(start)} --> ${formatTimestamp(end)}] ${strip(text)}\n`);
}

function tell({ unmatched, wordCount, foundCount }: Alignment, line: (text: string) => void): void {
  for (const one of unmatched.slice(0, MOST_LISTED)) line(sentenceOf(one));
  if (unmatched.length > MOST_LISTED)
    line(`... and ${unmatched.length - MOST_LISTED} more, which the JSON has (-f json)`);
  const fit =
    foundCount === 0 ? 'Nothing of the text is said in the recording' : `${foundCount} of ${wordCount} words found`;
  line(2 * foundCount >= wordCount || foundCount === 0 ? `${fit}.` : `${fit}: is it the text of this recording?`);
}

function sentenceOf({ kind, text, line, heard, start, end }: Unmatched): string {
  const time = `[${formatTimestamp(start)} --> ${formatTimestamp(end)}]`;
  if (kind === 'notInText') return `${time} after line ${line}, not in the text: ${shown(text)}`;
  const instead = heard === undefined ? '' : ` (heard: ${shown(heard)})`;
  return `${time} line ${line}, not said: ${shown(text)}${instead}`;
}

function shown(text: string): string {
  const characters = [...text];
  return characters.length > MOST_SHOWN ? `${characters.slice(0, MOST_SHOWN).join('')} ...` : text;
}
