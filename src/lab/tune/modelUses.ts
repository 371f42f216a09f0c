/** The uses of kernels that a model of some size makes, each once, with the numbers of rows that it makes them with. */
import type { Device } from '../../engine/device.ts';
import type { CacheType, WeightType } from '../../engine/dtype.ts';
import type { Command } from '../../engine/program.ts';
import type { ModelDimensions } from '../../model/dims.ts';
import { prepareInference } from '../../model/inference.ts';
import { planWeights } from '../../model/weights.ts';
import type { LogitRules } from '../../rules/logitRules.ts';
import { choiceKey } from '../../tuning/choiceKey.ts';
import { paperDevice } from './paperDevice.ts';

export interface KernelUse {
  /** By which a choice is looked up. */
  readonly key: string;
  /** One of its commands. */
  readonly command: Command;
  /** Capacities of commands that run with any number of live rows ... */
  readonly capacities: ReadonlySet<number>;
  /** ... and of those that run with all. */
  readonly wholes: ReadonlySet<number>;
}

export interface SizeToTune {
  readonly dims: ModelDimensions;
  readonly dtype: WeightType;
  readonly cacheDtype: CacheType;
}

/** Tokens of a prompt that continues a text: more than the shortest program takes. */
const LONG_PROMPT = 30;
const BEAMS = 5;
const RECORDINGS = 8;

/** What is asked of a model: a window, greedy and with beams, after a text or not, by itself and among others. */
export async function modelUses(like: Device, sizes: readonly SizeToTune[]): Promise<readonly KernelUse[]> {
  const uses = new Map<string, KernelUse & { capacities: Set<number>; wholes: Set<number> }>();
  for (const size of sizes)
    for (const command of await commandsOf(like, size)) {
      const key = choiceKey(command);
      const use = uses.get(key) ?? { key, command, capacities: new Set(), wholes: new Set() };
      const rows = command.dims.rows ?? 0;
      (command.allRows ? use.wholes : use.capacities).add(Math.min(rows, command.maxRows ?? rows));
      uses.set(key, use);
    }
  return [...uses.values()];
}

async function commandsOf(like: Device, { dims, dtype, cacheDtype }: SizeToTune): Promise<readonly Command[]> {
  const device = paperDevice(like);
  const noPieces = async function* () {};
  // Weights of f16 are so in the file.
  const reader = { dtype: () => (dtype === 'f16' ? dtype : 'f32'), pieces: noPieces } as const;
  const { weights } = planWeights(device, dims, reader, dtype);
  const inference = await prepareInference(device, dims, weights, { dtype, cacheDtype });
  const audio = await inference.encode(new Float32Array(dims.nMels * 2 * dims.nAudioCtx));
  // As in the published vocabularies, whose last tokens are 1501 times.
  const begin = dims.nVocab - 1501;
  const eot = begin - 107;
  const timestamps = { begin, noTimestamps: begin - 1, eot, maxInitial: 50 };
  const rules: LogitRules = { eot, noSpeech: begin - 2, suppress: [eot + 1], suppressAtStart: [eot], timestamps };
  for (const promptTokens of [1, LONG_PROMPT]) {
    const initialTokens = new Array<number>(promptTokens).fill(eot + 1);
    await inference.greedy([{ audio, initialTokens, sotIndex: 0, rows: 1 }], rules, 2);
  }
  await inference.beams([{ audio, initialTokens: [eot + 1], sotIndex: 0, rows: BEAMS }], rules, {
    wanted: BEAMS,
    limit: 2,
  });
  for (const rowsEach of [1, BEAMS]) await inference.shareRows(RECORDINGS, rowsEach);
  return device.programs.flatMap(({ commands }) => commands);
}
