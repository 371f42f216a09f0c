/** A model of any size without its weights, on a GPU that computes nothing: what its programs are, and whether they are valid. */
import type { AudioFeatures, DecodeGroup } from '../../src/decode/inference.ts';
import { createWebGpuDevice } from '../../src/devices/webgpu/device.ts';
import type { Device } from '../../src/engine/device.ts';
import type { WeightType } from '../../src/engine/dtype.ts';
import type { Program } from '../../src/engine/program.ts';
import type { ModelDimensions } from '../../src/model/dims.ts';
import { type ModelInference, prepareInference } from '../../src/model/inference.ts';
import type { Storage } from '../../src/model/storage.ts';
import { type ModelWeights, planWeights } from '../../src/model/weights.ts';
import type { LogitRules } from '../../src/rules/logitRules.ts';
import { type Dispatched, type NullGpu, type NullGpuOptions, openNullGpu } from './nullGpu.ts';

export interface NullModel {
  readonly gpu: NullGpu;
  readonly inference: ModelInference;
  readonly weights: ModelWeights;
  /** What ran since the start, in order. */
  readonly submitted: readonly Submitted[];
  /** As many windows as there is room for. */
  readonly audio: readonly AudioFeatures[];
  /** So many tokens of all windows: greedy, or with beams. @param promptTokens of each window */
  decode(choice: { readonly beams?: number; readonly tokens: number; readonly promptTokens?: number }): Promise<void>;
  close(): Promise<void>;
}

export interface Submitted {
  readonly program: Program;
  readonly times: number;
  /** Of all times together. */
  readonly dispatches: readonly Dispatched[];
}

/** As the file would have them: f16 weights in f16, others in f32. */
export interface NullModelSize extends Storage {
  readonly dtype: WeightType;
  readonly windows: number;
}

export async function openNullModel(
  dims: ModelDimensions,
  { dtype, cacheDtype, windows }: NullModelSize,
  options: NullGpuOptions = {},
): Promise<NullModel> {
  const gpu = await openNullGpu(options);
  const submitted: Submitted[] = [];
  const real = await createWebGpuDevice(gpu.gpu);
  const device: Device = Object.assign(Object.create(real) as Device, {
    submit(...[work, how = {}]: Parameters<Device['submit']>) {
      const { length } = gpu.counts.dispatches;
      real.submit(work, how);
      const dispatches = gpu.counts.dispatches.slice(length);
      submitted.push({ program: work.program, times: how.times ?? 1, dispatches });
    },
  });
  const noPieces = async function* () {};
  const reader = { dtype: () => (dtype === 'f16' ? dtype : 'f32'), pieces: noPieces } as const;
  const { weights } = planWeights(device, dims, reader, dtype);
  const inference = await prepareInference(device, dims, weights, { dtype, cacheDtype, maxAudio: windows });
  const mel = new Float32Array(dims.nMels * 2 * dims.nAudioCtx);
  const audio: AudioFeatures[] = [];
  for (let i = 0; i < windows; i++) audio.push(await inference.encode(mel));
  const eot = dims.nVocab - 1608;
  const begin = dims.nVocab - 1501;
  const timestamps = { begin, noTimestamps: begin - 1, eot, maxInitial: 50 };
  const rules: LogitRules = { eot, noSpeech: begin - 2, suppress: [eot + 1], suppressAtStart: [eot], timestamps };
  return {
    gpu,
    inference,
    weights,
    submitted,
    audio,
    async decode({ beams, tokens, promptTokens = 3 }) {
      const rows = beams ?? 1;
      const initialTokens = new Array<number>(promptTokens).fill(eot + 1);
      const groups = audio.map((audio): DecodeGroup => ({ audio, initialTokens, sotIndex: 0, rows }));
      // As `DecodingTask` does: no more at once than there is room for.
      const most = Math.max(1, Math.floor((inference.maxRows ?? groups.length * rows) / rows));
      for (let first = 0; first < groups.length; first += most) {
        const part = groups.slice(first, first + most);
        if (beams === undefined) await inference.greedy(part, rules, tokens);
        else await inference.beams?.(part, rules, { wanted: beams, limit: tokens });
      }
    },
    close: () => device.close(),
  };
}
