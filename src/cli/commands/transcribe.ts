/** `sotto AUDIO...`: transcribes recordings with one loaded model, several at once, or their windows in common batches. */
import { existsSync } from 'node:fs';
import { OptionsError } from '../../base/errors.ts';
import type { Progress, Warning } from '../../base/progress.ts';
import { strip } from '../../base/python.ts';
import { anySignal } from '../../base/signals.ts';
import type { LanguageDetection } from '../../decode/languageDetect.ts';
import { writeOutputs } from '../../files/output.ts';
import type { PlannedOutput } from '../../files/outputPlan.ts';
import { load } from '../../load.node.ts';
import { speakerLabel } from '../../output/speakers.ts';
import { formatTimestamp } from '../../output/timestamp.ts';
import { languageName } from '../../text/languages.ts';
import { resolveTranscribeOptions } from '../../transcribe/options.ts';
import type { Segment, Transcript } from '../../transcribe/transcript.ts';
import type { Whisper } from '../../whisper.ts';
import type { ParsedArguments } from '../args.ts';
import { refuseMisspeltCommand } from '../commandWords.ts';
import { errorText } from '../errors.ts';
import { InOrder } from '../inOrder.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { modelLine } from '../modelLine.ts';
import { givenOptions, optionElsewhere, RECORDING_PLACES } from '../options.ts';
import { hostPlatform } from '../platform.ts';
import { formatsOf, prepareRun } from '../prepareRun.ts';
import { ProgressDisplay } from '../progress.ts';
import { readSettings } from '../settings.ts';

/**
 * @returns the exit status
 * @throws {OptionsError} when the arguments are wrong
 */
export async function transcribeCommand(parsed: ParsedArguments, io: CommandIo): Promise<number> {
  if (parsed.files.includes('-')) {
    if (parsed.files.length === 1) return (await import('./listen.ts')).listenCommand(parsed.values, io);
    throw new OptionsError('contradiction', 'Standard input (-) is transcribed alone, without other recordings.');
  }
  const live = optionElsewhere(parsed.values, RECORDING_PLACES);
  if (live !== undefined) {
    throw new OptionsError('contradiction', `--${live} is about standard input, which is not asked for.`, {
      hint: 'Give "-" in place of a recording.',
    });
  }
  const { model, ...settings } = readSettings(givenOptions(parsed.values));
  const [first] = parsed.files;
  if (first === undefined) {
    throw new OptionsError('noAudio', 'No recording was named.', { hint: 'For example: sotto talk.mp3 --model base' });
  }
  if (!existsSync(first)) refuseMisspeltCommand(first);
  const display = new ProgressDisplay(io.stderr, { isQuiet: settings.verbose === null });
  let failed = 0;
  const tell = (error: unknown, file: string): void => {
    // What stops one recording need not stop the next; what the options ask is wrong for all of them.
    if (io.signal.aborted || error instanceof OptionsError) throw error;
    display.clear();
    io.stderr.write(`${errorText(error, file)}\n`);
    failed++;
  };
  const note = (sentence: string): void => display.note(sentence);
  const outputs = prepareRun(
    { recordings: parsed.files, folder: settings.outputDir, formats: formatsOf(settings.outputFormat) },
    { refused: tell, note },
  );
  if (outputs.length === 0) return EXIT.failed;
  const onWarning = ({ message }: Warning): void => note(message);
  const call = { signal: io.signal, onProgress: display.show, onWarning };
  let whisper: Whisper | undefined;
  try {
    display.wait(`looking for the model ${model}`);
    const loaded = await load(model, { ...settings.load, ...call, platform: hostPlatform(), until: 'encoder' });
    whisper = loaded;
    display.line(modelLine(model, whisper));
    const write = (transcript: Transcript, { targets }: PlannedOutput): void => {
      display.clear();
      writeOutputs(transcript, targets, settings.layout);
    };
    const onLanguage = (language: string, detection?: LanguageDetection): void => {
      if (detection) display.line(`language: ${languageName(language) ?? language}`);
    };
    const onSegment = settings.verbose ? (segment: Segment) => printSegment(segment, display, io) : undefined;
    const showName = (file: string): void => {
      if (parsed.files.length > 1 && settings.verbose) display.line(file);
    };
    const { batchSize, channels } = resolveTranscribeOptions(settings.transcribe);
    const isBatch = outputs.length > 1 && batchSize > 1 && channels === 'mix';
    if (isBatch) {
      const files = outputs.map(({ recording }) => recording);
      for await (const result of whisper.transcribeAll(files, { ...settings.transcribe, ...call })) {
        const output = outputs[result.index]!; // an index of these files
        try {
          if (!result.transcript) throw result.error;
          const { segments, language, detection } = result.transcript;
          showName(output.recording);
          onLanguage(language, detection);
          for (const segment of segments) onSegment?.(segment);
          write(result.transcript, output);
        } catch (error) {
          tell(error, output.recording);
        }
      }
    }
    const inOrder = new InOrder();
    await allAtOnce(isBatch ? [] : outputs, io.signal, async (output, i, signal) => {
      const { recording } = output;
      const item = outputs.length > 1 ? `${i + 1}/${outputs.length} ${recording}` : recording;
      const say = (what: () => void): void => inOrder.tell(i, what);
      let last: Progress | undefined;
      say(() => showName(recording));
      try {
        const transcript = await loaded.transcribe(recording, {
          ...settings.transcribe,
          ...call,
          signal,
          onProgress(progress) {
            last = { ...progress, item };
            if (inOrder.speaks(i)) display.show(last);
          },
          onLanguage: (language, detection) => say(() => onLanguage(language, detection)),
          onSegment: onSegment && ((segment) => say(() => onSegment(segment))),
        });
        if (!inOrder.speaks(i)) say(() => last && display.show(last));
        write(transcript, output);
      } catch (error) {
        if (signal.aborted || error instanceof OptionsError) throw error;
        say(() => tell(error, recording));
      }
      inOrder.end(i);
    });
    return failed > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    display.clear();
    await whisper?.close();
  }
}

/** Does something with all; the first error stops the others, and is thrown when they have ended. */
async function allAtOnce<T>(
  items: readonly T[],
  given: AbortSignal,
  work: (item: T, index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const { signal, release } = anySignal(given, stop.signal);
  const working = items.map((item, i) =>
    work(item, i, signal).catch((error: unknown) => {
      // Only the first counts: the others are stopped by it.
      stop.abort(error);
    }),
  );
  await Promise.all(working);
  release();
  stop.signal.throwIfAborted();
}

function printSegment(segment: Segment, display: ProgressDisplay, io: CommandIo): void {
  display.clear();
  const { start, end, speaker, text } = segment;
  const said = speaker === undefined ? text : speakerLabel(speaker) + strip(text);
  io.stdout.write(`[${formatTimestamp(start)} --> ${formatTimestamp(end)}] ${said}\n`);
}
