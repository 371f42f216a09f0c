/** The order of measurements, and what is made of them. */
import type { BenchConfiguration, BenchFailure, BenchRow, BenchSample } from './report.ts';
import { wordErrors } from './wordErrors.ts';

/** What one process, or one worker of a page, has found. */
export interface Measured {
  readonly sample: BenchSample;
  readonly description: string;
  readonly isSoftware: boolean;
  /** Device on which it ran: `auto` has chosen one. */
  readonly device: string;
  /** null on a GPU. */
  readonly threads: number | null;
  readonly weightBytes: number;
  readonly text: string;
  /** Length of the recording. */
  readonly seconds: number;
}

/** A failure with the words of the error. @throws what ends all measurements, an abort for one */
export type MeasureOne = (
  configuration: BenchConfiguration,
  run: number,
) => Promise<Measured | { readonly code: string; readonly message: string }>;

export interface Measurements {
  readonly rows: readonly BenchRow[];
  readonly failures: readonly BenchFailure[];
  /** Length of the recording; undefined if nothing was measured. */
  readonly seconds: number | undefined;
}

/**
 * In turn: one measurement of each configuration, then one of each in the other direction, and so on, so that what else the
 * machine does falls on all of them alike. One that fails is left out from there on.
 *
 * @param transcript what is said in the recording; undefined: not known
 */
export async function measureInTurn(
  configurations: readonly BenchConfiguration[],
  runs: number,
  measure: MeasureOne,
  transcript?: string,
): Promise<Measurements> {
  const measured = new Map<BenchConfiguration, Measured[]>(configurations.map((one) => [one, []]));
  const failed = new Map<BenchConfiguration, BenchFailure>();
  for (let run = 0; run < runs; run++) {
    for (const one of run % 2 === 0 ? configurations : [...configurations].reverse()) {
      if (failed.has(one)) continue;
      const result = await measure(one, run);
      if ('sample' in result) measured.get(one)!.push(result);
      else failed.set(one, { ...one, ...result });
    }
  }
  const firstOfModel = new Map<string, string>();
  const rows = configurations.flatMap((one): BenchRow[] => {
    const [first, ...others] = measured.get(one)!;
    if (!first || failed.has(one)) return [];
    const { device, threads, description, isSoftware, weightBytes, text } = first;
    const right = firstOfModel.get(one.model) ?? text;
    firstOfModel.set(one.model, right);
    return [
      {
        ...one,
        device,
        threads,
        description,
        isSoftware,
        weightBytes,
        text,
        wordErrors: transcript === undefined ? null : wordErrors(transcript, text),
        // A run whose text is another than the first's counts too.
        differingWords: Math.max(...[first, ...others].map((each) => wordErrors(right, each.text).errors)),
        samples: [first, ...others].map(({ sample }) => sample),
      },
    ];
  });
  const seconds = [...measured.values()].flat()[0]?.seconds;
  return { rows, failures: [...failed.values()], seconds };
}

/** As much as is asked of a `Whisper`. */
export interface MeasuredModel {
  readonly device: { readonly kind: string; readonly description: string; readonly isSoftware?: boolean };
  readonly weightBytes: number;
  close(): Promise<void>;
}

/**
 * One measurement: loads a model, has it transcribe twice, and closes it.
 *
 * @param transcribe calls `onSegment` with the first segment, if there is one
 * @param peakBytes  largest memory so far; null where it cannot be known
 */
export async function measureModel<Model extends MeasuredModel>(
  threads: number | null,
  load: () => Promise<Model>,
  transcribe: (
    model: Model,
    onSegment?: () => void,
  ) => Promise<{ readonly text: string; readonly duration?: number | undefined }>,
  peakBytes: () => number | null,
): Promise<Measured> {
  const began = performance.now();
  const model = await load();
  try {
    const loaded = performance.now();
    let firstText: number | undefined;
    const first = await transcribe(model, () => {
      firstText ??= performance.now();
    });
    const again = performance.now();
    await transcribe(model);
    const ended = performance.now();
    const { kind, description, isSoftware = false } = model.device;
    return {
      sample: {
        loadMs: tenth(loaded - began),
        firstTextMs: tenth((firstText ?? again) - loaded),
        firstRunMs: tenth(again - loaded),
        laterRunMs: tenth(ended - again),
        peakBytes: peakBytes(),
      },
      device: kind,
      threads,
      description,
      isSoftware,
      weightBytes: model.weightBytes,
      text: first.text.trim(),
      seconds: first.duration ?? 0,
    };
  } finally {
    await model.close();
  }
}

/** Tenths of a millisecond: clocks are no better. */
function tenth(ms: number): number {
  return Math.round(10 * ms) / 10;
}
