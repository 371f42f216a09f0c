/** `sotto AUDIO...`: transcribes recordings with one loaded model, one after another or in common batches. */
import { existsSync } from 'node:fs';
import { OptionsError } from '../../base/errors.ts';
import type { Progress, Warning } from '../../base/progress.ts';
import type { LanguageDetection } from '../../decode/languageDetect.ts';
import { load } from '../../load.node.ts';
import { formatTimestamp } from '../../output/timestamp.ts';
import { languageName } from '../../text/languages.ts';
import { resolveTranscribeOptions } from '../../transcribe/options.ts';
import type { Segment, Transcript } from '../../transcribe/transcript.ts';
import type { Whisper } from '../../whisper.ts';
import type { ParsedArguments } from '../args.ts';
import { refuseMisspeltCommand } from '../commandWords.ts';
import { errorText } from '../errors.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { modelLine } from '../modelLine.ts';
import { givenOptions, optionElsewhere, RECORDING_PLACES } from '../options.ts';
import { writeOutputs } from '../output.ts';
import type { PlannedOutput } from '../outputPlan.ts';
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
    whisper = await load(model, { ...settings.load, ...call, platform: hostPlatform(), until: 'encoder' });
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
    const isBatch = outputs.length > 1 && resolveTranscribeOptions(settings.transcribe).batchSize > 1;
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
    for (const [i, output] of isBatch ? [] : outputs.entries()) {
      const { recording } = output;
      const item = outputs.length > 1 ? `${i + 1}/${outputs.length} ${recording}` : recording;
      showName(recording);
      try {
        const onProgress = (progress: Progress): void => display.show({ ...progress, item });
        const options = { ...settings.transcribe, ...call, onProgress, onLanguage, onSegment };
        write(await whisper.transcribe(recording, options), output);
      } catch (error) {
        tell(error, recording);
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
