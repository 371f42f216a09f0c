/** `sotto AUDIO...`: transcribes recordings one after another with one loaded model. */
import { OptionsError } from '../../errors.js';
import { load, type Whisper } from '../../index.node.js';
import type { Warning } from '../../progress.js';
import { languageName } from '../../tokenizer/languages.js';
import type { Segment } from '../../transcribe/transcribe.js';
import { formatTimestamp } from '../../write/timestamp.js';
import { parseArguments } from '../args.js';
import { errorText } from '../errors.js';
import { helpText } from '../help.js';
import { type CommandIo, EXIT } from '../io.js';
import { LATER, OPTIONS } from '../options.js';
import { writeOutputs } from '../output.js';
import { ProgressDisplay } from '../progress.js';
import { readSettings } from '../settings.js';
import { OptionValues } from '../values.js';
import { version } from '../version.js';

/**
 * @returns the exit status
 * @throws {OptionsError} when the arguments are wrong
 */
export async function transcribeCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const parsed = parseArguments(argv, OPTIONS, LATER);
  if (parsed.help || parsed.version) {
    io.stdout.write(parsed.help ? helpText(io.stdout.columns) : `${version()}\n`);
    return EXIT.ok;
  }
  const values = new OptionValues(parsed.values, OPTIONS);
  const { model, device, threads, cacheDir, ...settings } = readSettings(values);
  if (parsed.files.length === 0) {
    throw new OptionsError('noAudio', 'No recording was named.', { hint: 'For example: sotto talk.mp3 --model base' });
  }
  const quiet = settings.verbose === undefined;
  const display = new ProgressDisplay(quiet ? { write: () => {} } : io.stderr);
  const onWarning = (warning: Warning): void => {
    display.clear();
    io.stderr.write(`sotto: ${warning.message}\n`);
  };
  const call = { signal: io.signal, onProgress: display.show, onWarning };
  let whisper: Whisper | undefined;
  try {
    whisper = await load(model, { device, threads, cacheDir, ...call });
    if (!quiet) display.line(`${model} on ${whisper.device.kind}: ${whisper.device.description}`);
    let failed = 0;
    for (const file of parsed.files) {
      if (parsed.files.length > 1 && settings.verbose) display.line(file);
      try {
        const transcript = await whisper.transcribe(file, {
          ...settings.transcribe,
          ...call,
          onProgress: (progress) => display.show({ item: file, ...progress }),
          onLanguage: (language, detection) => {
            if (detection && !quiet) display.line(`language: ${languageName(language) ?? language}`);
          },
          onSegment: settings.verbose ? (segment) => printSegment(segment, display, io) : undefined,
        });
        display.clear();
        writeOutputs(transcript, file, settings.outputDir, settings.outputFormat, settings.layout);
      } catch (error) {
        // What stops one recording need not stop the next; what the options ask is wrong for all of them.
        if (io.signal.aborted || error instanceof OptionsError) throw error;
        display.clear();
        io.stderr.write(`${errorText(error, file)}\n`);
        failed++;
      }
    }
    return failed > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    display.clear();
    await whisper?.close();
  }
}

function printSegment(segment: Segment, display: ProgressDisplay, io: CommandIo): void {
  display.clear();
  io.stdout.write(`[${formatTimestamp(segment.start)} --> ${formatTimestamp(segment.end)}] ${segment.text}\n`);
}
