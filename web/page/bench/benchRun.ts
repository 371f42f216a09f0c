/** The measurements of `?bench`: as `sotto bench` makes them, with a model loaded anew each time in place of a process. */
import { type LoadOptions, load, SottoError } from 'sotto';
import {
  BENCH_SCHEMA,
  type BenchConfiguration,
  type BenchMachine,
  type BenchReport,
  type Measured,
  measureInTurn,
  measureModel,
} from 'sotto/lab';

/** What is said in `jfk.wav`, which the site has. */
const OWN_TEXT =
  'And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country.';

export interface BenchWishes {
  /** Names, or addresses of folders. */
  readonly models: readonly string[];
  readonly devices: readonly ('cpu' | 'webgpu')[];
  readonly dtypes: readonly ('f32' | 'int8')[];
  readonly threads: readonly number[];
  /** Windows decoded at once; 1: one after another. */
  readonly batches: readonly number[];
  readonly runs: number;
  /** The site's own when absent. */
  readonly recording?: File | undefined;
  /** What is said in it; empty: not known. */
  readonly transcript: string;
}

/** Every combination; threads are the CPU's alone. */
export function configurationsOf(wishes: BenchWishes): readonly BenchConfiguration[] {
  const { models, devices, dtypes, threads, batches } = wishes;
  return models.flatMap((model) =>
    devices.flatMap((device) =>
      dtypes.flatMap((dtype) =>
        (device === 'webgpu' ? [null] : threads).flatMap((count) =>
          batches.map((batch) => ({ model, device, dtype, threads: count, batch })),
        ),
      ),
    ),
  );
}

/**
 * @param onProgress configuration and number of the run, from 0, before each measurement
 * @throws the signal's reason; an error of the recording
 */
export async function runBench(
  wishes: BenchWishes,
  signal: AbortSignal,
  onProgress: (configuration: BenchConfiguration, run: number) => void,
): Promise<BenchReport> {
  const { recording, transcript, runs } = wishes;
  const audio = recording ?? (await (await fetch('jfk.wav', { signal })).blob());
  const right = recording ? transcript.trim() || undefined : OWN_TEXT;
  const measure = async (
    configuration: BenchConfiguration,
    run: number,
  ): Promise<Measured | { readonly code: string; readonly message: string }> => {
    onProgress(configuration, run);
    try {
      return await measureOne(configuration, audio, signal);
    } catch (error) {
      const isOfRow = error instanceof SottoError && ['DeviceError', 'WeightsError'].includes(error.name);
      if (signal.aborted || !isOfRow) throw error;
      return { code: error.code, message: error.message };
    }
  };
  const { rows, failures, seconds = 0 } = await measureInTurn(configurationsOf(wishes), runs, measure, right);
  return {
    schema: BENCH_SCHEMA,
    sotto: 'in a page',
    date: new Date().toISOString(),
    machine: describeBrowser(),
    recording: { name: recording?.name ?? 'jfk.wav', seconds },
    rows,
    failures,
  };
}

function measureOne(configuration: BenchConfiguration, audio: Blob, signal: AbortSignal): Promise<Measured> {
  const { model, threads, batch } = configuration;
  const options: LoadOptions = {
    // Of BenchWishes.
    device: configuration.device as LoadOptions['device'],
    dtype: configuration.dtype as LoadOptions['dtype'],
    threads: threads ?? undefined,
    signal,
  };
  return measureModel(
    threads,
    () => load(model, options),
    (whisper, onSegment) => whisper.transcribe(audio, { signal, onSegment, ...(batch > 1 && { batchSize: batch }) }),
    () => null,
  );
}

/** As much as browsers tell. */
function describeBrowser(): BenchMachine {
  const { userAgent, hardwareConcurrency } = navigator;
  const browser = /(Firefox|Edg|Chrome|Version)\/[\d.]+/.exec(userAgent)?.[0] ?? userAgent;
  return {
    cpu: 'processor not told by the browser',
    cores: hardwareConcurrency,
    features: [],
    platform: /\(([^)]*)\)/.exec(userAgent)?.[1] ?? 'unknown system',
    runtime: browser.replace('Version/', 'Safari/').replace('/', ' '),
  };
}
