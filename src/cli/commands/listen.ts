/** `sotto -`: transcribes what comes on standard input while it comes. */
import { SAMPLE_RATE } from '../../audio/constants.ts';
import { type RawPcm, readPcmStream } from '../../audio/pcmStream.ts';
import { OptionsError } from '../../base/errors.ts';
import type { Warning } from '../../base/progress.ts';
import { load, type Whisper } from '../../index.node.ts';
import { languageName } from '../../text/languages.ts';
import { SampleFeed } from '../../transcribe/stream/sampleFeed.ts';
import { checkStreamOptions, type StreamOptions, transcribeNames } from '../../transcribe/stream/streamOptions.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { LivePrinter } from '../livePrinter.ts';
import { LiveTranscript } from '../liveTranscript.ts';
import { INPUT_FORMATS, OPTIONS } from '../options.ts';
import { writeOutputs } from '../output.ts';
import { ProgressDisplay } from '../progress.ts';
import { asWritten, readSettings, type Settings } from '../settings.ts';
import type { OptionValues } from '../values.ts';

/** Seconds of sound that are kept while the model is being loaded. */
const READ_AHEAD = 60;
/** Options that are not the library's and have a meaning here. */
const OWN_OPTIONS: readonly string[] = [
  ...['model', 'device', 'model_dir', 'threads', 'output_dir', 'output_format', 'verbose'],
  ...['input_format', 'input_rate', 'input_channels', 'min_chunk', 'max_buffer', 'temperature_increment_on_fallback'],
  ...['word_timestamps', 'highlight_words', 'max_line_width', 'max_line_count', 'max_words_per_line'],
];

/**
 * @param values what is written on the command line
 * @returns the exit status
 * @throws {OptionsError} for options that a stream does not have, before anything is read
 */
export async function listenCommand(values: OptionValues, io: CommandIo): Promise<number> {
  refuseOthers(values);
  const settings = readSettings(values);
  const options = streamOptions(values, settings);
  const raw = rawPcm(values);
  const stdin = io.stdin();
  if (stdin.isTTY) {
    throw new OptionsError('noInput', 'Standard input is a terminal, which gives no sound.', {
      hint: 'For example: arecord -f S16_LE -r 16000 | sotto - --model base',
    });
  }
  const { model, device, threads, cacheDir, verbose } = settings;
  const quiet = verbose === undefined;
  const display = new ProgressDisplay(quiet ? { write: () => {} } : io.stderr);
  const onWarning = (warning: Warning): void => display.line(`sotto: ${warning.message}`);
  const printer = verbose ? new LivePrinter(io.stdout, io.stderr) : undefined;
  const transcript = new LiveTranscript();
  const { signal } = io;
  let language = settings.transcribe.language;
  let whisper: Whisper | undefined;
  // What is said while the model is being loaded is not lost.
  const feed = new SampleFeed(readPcmStream(stdin, raw), READ_AHEAD * SAMPLE_RATE, signal);
  const save = (): void => {
    if (!values.isGiven('output_dir') && !values.isGiven('output_format')) return;
    const about = { language: language ?? 'en', task: settings.transcribe.task };
    const whole = transcript.finish(about, settings.transcribe.wordTimestamps ?? false);
    writeOutputs(whole, 'stdin', settings.outputDir, settings.outputFormat, settings.layout);
  };
  try {
    whisper = await load(model, { device, threads, cacheDir, signal, onProgress: display.show, onWarning });
    if (!quiet) display.line(`${model} on ${whisper.device.kind}: ${whisper.device.description}`);
    const updates = whisper.stream(feed.pieces(), {
      ...options,
      signal,
      onLanguage(code, detection) {
        language = code;
        if (detection && !quiet) display.line(`language: ${languageName(code) ?? code}`);
      },
    });
    for await (const update of updates) {
      transcript.add(update);
      printer?.show(update);
    }
    printer?.end();
    save();
    return EXIT.ok;
  } catch (error) {
    printer?.end();
    // Ctrl-C is how a recording ends, too: what is stable by then is kept.
    if (signal.aborted && whisper) save();
    throw error;
  } finally {
    display.clear();
    feed.close();
    stdin.destroy();
    await whisper?.close();
  }
}

function refuseOthers(values: OptionValues): void {
  for (const { name } of OPTIONS) {
    const inLibrary = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (OWN_OPTIONS.includes(name) || transcribeNames.some((known) => known === inLibrary)) continue;
    if (values.isGiven(name)) {
      throw new OptionsError('notLive', `--${name} has no meaning for sound that is still coming.`, {
        hint: 'Leave it out, or record to a file first.',
      });
    }
  }
}

function streamOptions(values: OptionValues, { transcribe }: Settings): StreamOptions {
  const shared = Object.fromEntries(
    Object.entries(transcribe).filter(([name]) => transcribeNames.some((known) => known === name)),
  );
  const options: StreamOptions = {
    ...shared,
    // Beams keep text waiting: only for who asks for them.
    beamSize: values.isGiven('beam_size') ? transcribe.beamSize : undefined,
    minChunk: values.number('min_chunk'),
    maxBuffer: values.number('max_buffer'),
  };
  try {
    checkStreamOptions(options);
  } catch (error) {
    throw error instanceof OptionsError ? asWritten(error) : error;
  }
  return options;
}

function rawPcm(values: OptionValues): RawPcm | undefined {
  const format = values.choice('input_format', INPUT_FORMATS);
  const sampleRate = values.whole('input_rate', 1);
  const nChannels = values.whole('input_channels', 1);
  if (format !== 'wav') return { format, sampleRate, nChannels };
  const given = ['input_rate', 'input_channels'].find((name) => values.isGiven(name));
  if (given === undefined) return undefined;
  throw new OptionsError('contradiction', `--${given} says what bare samples are: a WAV stream says it itself.`, {
    hint: 'Add --input_format s16le, or what the samples are.',
  });
}
