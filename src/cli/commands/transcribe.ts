/** `sotto AUDIO...`: transcribes recordings one after another with one loaded model. */
import { DEVICES } from '../../device/choose.js';
import { OptionsError } from '../../errors.js';
import { load, type Whisper } from '../../index.node.js';
import type { Warning } from '../../progress.js';
import { languageCode, languageName } from '../../tokenizer/languages.js';
import type { Segment, TranscribeOptions } from '../../transcribe/transcribe.js';
import { formatTimestamp } from '../../write/timestamp.js';
import { parseArguments } from '../args.js';
import { errorText } from '../errors.js';
import { helpText } from '../help.js';
import { type CommandIo, EXIT } from '../io.js';
import { LATER, OPTIONS, OUTPUT_FORMATS, TASKS } from '../options.js';
import { writeOutputs } from '../output.js';
import { ProgressDisplay } from '../progress.js';
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
  const settings = readSettings(values);
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
    whisper = await load(settings.model, { device: settings.device, threads: settings.threads, ...call });
    if (!quiet) display.line(`${settings.model} on ${whisper.device.kind}: ${whisper.device.description}`);
    let failed = 0;
    for (const file of parsed.files) {
      if (parsed.files.length > 1 && settings.verbose) display.line(file);
      try {
        const transcript = await whisper.transcribe(file, {
          ...settings.transcribe,
          ...call,
          onLanguage: (language, detection) => {
            if (detection && !quiet) display.line(`language: ${languageName(language) ?? language}`);
          },
          onSegment: settings.verbose ? (segment) => printSegment(segment, display, io) : undefined,
        });
        display.clear();
        writeOutputs(transcript, file, settings.outputDir, settings.outputFormat);
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

/** Everything the options say, checked before anything is loaded. */
function readSettings(values: OptionValues) {
  const threads = values.whole('threads');
  if (values.number('temperature') !== 0) {
    throw new OptionsError('notBuilt', '--temperature above 0 asks for sampling, which sotto does not do yet.', {
      hint: 'Leave the option out.',
    });
  }
  const language = values.textOrNone('language');
  const transcribe: TranscribeOptions = {
    language: language === undefined ? undefined : languageCode(language),
    task: values.choice('task', TASKS),
    temperature: 0,
    initialPrompt: values.textOrNone('initial_prompt'),
    carryInitialPrompt: values.flag('carry_initial_prompt'),
    conditionOnPreviousText: values.flag('condition_on_previous_text'),
    clipTimestamps: values.textOrNone('clip_timestamps'),
    suppressTokens: values.textOrNone('suppress_tokens') ?? null,
    noSpeechThreshold: values.numberOrNone('no_speech_threshold') ?? null,
    logprobThreshold: values.numberOrNone('logprob_threshold') ?? null,
    compressionRatioThreshold: values.numberOrNone('compression_ratio_threshold') ?? null,
  };
  return {
    model: values.text('model'),
    device: values.choice('device', DEVICES),
    threads: threads === 0 ? undefined : threads,
    outputDir: values.text('output_dir'),
    outputFormat: values.choice('output_format', OUTPUT_FORMATS),
    verbose: values.flagOrNone('verbose'),
    transcribe,
  };
}
