/** All that can be checked of recordings and of what is to be written, before a model is fetched or loaded. */
import { dirname } from 'node:path';
import { OutputError, type SottoError } from '../base/errors.ts';
import { tryFolder } from '../files/outputFolder.ts';
import { checkTarget, type PlannedOutput, planOutputs } from '../files/outputPlan.ts';
import { lookAtRecordings } from '../files/recordings.ts';
import { type Format, OPENAI_FORMATS } from '../output/writer.ts';

/** A transcript in five formats takes some 15 kB a minute of speech: with less than this it may not fit. */
const LITTLE_SPACE = 1e6;

export interface RunToPrepare {
  readonly recordings: readonly string[];
  readonly folder: string;
  readonly formats: readonly Format[];
}

export interface Tell {
  /** A recording that cannot be transcribed; the others can. */
  readonly refused: (error: SottoError, recording: string) => void;
  readonly note: (sentence: string) => void;
}

/**
 * @returns what is to be done: nothing is in the way of it that could be known
 * @throws {OutputError} `folder`, {OptionsError} `overwrites`: nothing at all can be done
 */
export function prepareRun({ recordings, folder, formats }: RunToPrepare, tell: Tell): readonly PlannedOutput[] {
  const { usable, refused, repeated } = lookAtRecordings(recordings);
  for (const { error, recording } of refused) tell.refused(error, recording);
  if (usable.length === 0) return [];
  for (const recording of repeated) tell.note(`${recording} is named more than once, and transcribed once.`);
  const { ignoresCase, freeBytes } = tryFolder(folder);
  if (freeBytes !== undefined && freeBytes < LITTLE_SPACE) {
    tell.note(`There are only ${Math.floor(freeBytes / 1000)} kB left for the files in ${folder}.`);
  }
  const plan = planOutputs(usable, folder, formats, ignoresCase);
  const tried = new Map<string, OutputError | undefined>();
  return plan.filter((output) => {
    const fault = faultOf(output, tried);
    if (fault) tell.refused(fault, output.recording);
    else if (output.isRenamed)
      tell.note(`${output.recording}: its name is another's too, so it gives ${pathsOf(output)}.`);
    return !fault;
  });
}

/** The formats asked for, each once; all are openai's five. */
export function formatsOf(asked: readonly (Format | 'all')[]): readonly Format[] {
  return [...new Set(asked.flatMap((format) => (format === 'all' ? OPENAI_FORMATS : format)))];
}

/** @param tried folders, with what was wrong */
function faultOf({ targets }: PlannedOutput, tried: Map<string, OutputError | undefined>): OutputError | undefined {
  for (const target of targets) {
    const folder = dirname(target.path);
    if (!tried.has(folder))
      tried.set(
        folder,
        outputErrorOf(() => tryFolder(folder)),
      );
    const fault = tried.get(folder) ?? outputErrorOf(() => checkTarget(target));
    if (fault) return fault;
  }
  return undefined;
}

function outputErrorOf(check: () => unknown): OutputError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof OutputError) return error;
    throw error;
  }
}

function pathsOf({ targets }: PlannedOutput): string {
  return targets.map(({ path }) => path).join(', ');
}
