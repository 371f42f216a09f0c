/** `sotto -`: transcribes what comes on standard input while it comes. */
import { SAMPLE_RATE } from '../../audio/constants.ts';
import type { RawPcm } from '../../audio/pcmStream.ts';
import { OptionsError } from '../../base/errors.ts';
import type { Warning } from '../../base/progress.ts';
import { anySignal } from '../../base/signals.ts';
import { writeOutputs } from '../../files/output.ts';
import { tryFolder } from '../../files/outputFolder.ts';
import { checkTarget, planOutputs, type Target } from '../../files/outputPlan.ts';
import { load } from '../../load.node.ts';
import { resolve } from '../../options/resolve.ts';
import { writtenName } from '../../options/text.ts';
import { liveSamples } from '../../runtime/nodeLive.ts';
import { languageName } from '../../text/languages.ts';
import { SampleFeed } from '../../transcribe/stream/sampleFeed.ts';
import { resolveStreamOptions } from '../../transcribe/stream/streamOptions.ts';
import type { Whisper } from '../../whisper.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { LivePrinter } from '../livePrinter.ts';
import { LiveTranscript } from '../liveTranscript.ts';
import { modelLine } from '../modelLine.ts';
import { COMMAND_OPTIONS, type GivenOptions, givenOptions, optionElsewhere, STDIN_PLACES } from '../options.ts';
import { hostPlatform } from '../platform.ts';
import { formatsOf } from '../prepareRun.ts';
import { ProgressDisplay } from '../progress.ts';
import { readSettings, readStreamOptions, type Settings } from '../settings.ts';

/** Seconds of sound that are kept while the model is being loaded. */
const READ_AHEAD = 60;

/**
 * @param texts what is written on the command line, by option
 * @returns the exit status
 * @throws {OptionsError} for options that a stream does not have, before anything is read
 */
export async function listenCommand(texts: ReadonlyMap<string, string>, io: CommandIo): Promise<number> {
  const other = optionElsewhere(texts, STDIN_PLACES);
  if (other !== undefined) {
    throw new OptionsError('notLive', `--${other} has no meaning for sound that is still coming.`, {
      hint: 'Leave it out, or record to a file first.',
    });
  }
  const given = givenOptions(texts);
  const settings = readSettings(given);
  const options = readStreamOptions(given);
  const raw = rawPcm(given);
  const writesFiles = 'outputDir' in given || 'outputFormat' in given;
  const targets = writesFiles ? stdinTargets(settings) : [];
  const stdin = io.stdin();
  if (stdin.isTTY) {
    throw new OptionsError('noInput', 'Standard input is a terminal, which gives no sound.', {
      hint: 'For example: arecord -f S16_LE -r 16000 | sotto - --model base',
    });
  }
  const { model, verbose } = settings;
  const display = new ProgressDisplay(io.stderr, { isQuiet: verbose === null });
  const onWarning = ({ message }: Warning): void => display.note(message);
  const printer = verbose ? new LivePrinter(io.stdout, io.stderr) : undefined;
  const transcript = new LiveTranscript();
  // Where nothing is written, there is nothing to go on for when nobody reads the text.
  const { signal, release } = anySignal(io.signal, writesFiles ? undefined : io.stdoutClosed);
  let { language } = options;
  const { task } = resolveStreamOptions(options);
  let whisper: Whisper | undefined;
  // What is said while the model is being loaded is not lost.
  let isHeard = false;
  async function* heard(): AsyncGenerator<Float32Array, void, undefined> {
    for await (const samples of liveSamples(stdin, raw, { signal, onWarning })) {
      isHeard = true;
      yield samples;
    }
  }
  const feed = new SampleFeed(heard(), READ_AHEAD * SAMPLE_RATE, signal);
  const save = (): void => {
    if (!writesFiles) return;
    const about = { language: language ?? 'en', task };
    const whole = transcript.finish(about, settings.wordTimestamps);
    writeOutputs(whole, targets, settings.layout);
  };
  try {
    display.wait(`looking for the model ${model}`);
    whisper = await load(model, {
      ...settings.load,
      platform: hostPlatform(),
      signal,
      onProgress: display.show,
      onWarning,
    });
    display.line(modelLine(model, whisper));
    const updates = whisper.stream(feed.samples(), {
      ...options,
      signal,
      onLanguage(code, detection) {
        language = code;
        if (detection) display.line(`language: ${languageName(code) ?? code}`);
      },
    });
    for await (const update of updates) {
      transcript.add(update);
      printer?.show(update);
    }
    printer?.end();
    // No error, since a recorder may be stopped at once; but it may also have failed, as in `cat missing.mp3 | sotto -`.
    if (!isHeard) display.note('Standard input gave no sound.');
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
    release();
    await whisper?.close();
  }
}

/** @throws {OutputError} before anything is heard if they cannot be written */
function stdinTargets({ outputDir, outputFormat }: Settings): readonly Target[] {
  tryFolder(outputDir);
  const [plan] = planOutputs(['stdin'], outputDir, formatsOf(outputFormat));
  const targets = plan?.targets ?? [];
  targets.forEach(checkTarget);
  return targets;
}

function rawPcm(given: GivenOptions): RawPcm | undefined {
  const { inputFormat: format, inputRate, inputChannels } = resolve(COMMAND_OPTIONS, 'stdin', given);
  if (format !== 'wav') return { format, sampleRate: inputRate, nChannels: inputChannels };
  const name = (['inputRate', 'inputChannels'] as const).find((option) => option in given);
  if (name === undefined) return undefined;
  const written = writtenName(name);
  throw new OptionsError('contradiction', `--${written} says what bare samples are: a WAV stream says it itself.`, {
    hint: 'Add --input_format s16le, or what the samples are.',
  });
}
