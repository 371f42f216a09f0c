/**
 * The engine with models of the published shapes and random weights: a window, a step at 1, 5 and 16 rows, what an hour takes
 * then, and the time by kernel.
 */
import type { AudioFeatures } from '../../src/decode/inference.ts';
import type { WebGpuDevice } from '../../src/devices/webgpu/device.ts';
import type { Device } from '../../src/engine/device.ts';
import type { WeightType } from '../../src/engine/dtype.ts';
import type { Tensor } from '../../src/engine/program.ts';
import { profileDevice } from '../../src/lab/profileDevice.ts';
import type { ModelDimensions } from '../../src/model/dims.ts';
import { type ModelInference, prepareInference } from '../../src/model/inference.ts';
import { publishedSizes } from '../../src/model/publishedSizes.ts';
import type { TensorReader } from '../../src/model/tensorData.ts';
import { planWeights } from '../../src/model/weights.ts';
import type { LogitRules } from '../../src/rules/logitRules.ts';
import { attempt, type PartOptions } from './notes.ts';

/** Of speech, in a window of 30 s: what an hour is counted with. */
const TOKENS_A_WINDOW = 110;
const WINDOWS_AN_HOUR = 120;

const MINI: ModelDimensions = { ...publishedSizes.tiny, nAudioCtx: 60, nAudioLayer: 1, nTextCtx: 40, nTextLayer: 1 };

interface Run extends PartOptions {
  readonly name: string;
  readonly dims: ModelDimensions;
  readonly dtype: WeightType;
}

export async function engine(open: () => Promise<WebGpuDevice>, options: PartOptions): Promise<void> {
  const sizes: readonly (keyof typeof publishedSizes)[] = ['tiny', 'large-v3-turbo', 'small', 'large-v2'];
  const models: readonly (readonly [string, ModelDimensions])[] = options.isSmall
    ? [['mini', MINI]]
    : sizes.map((name) => [name, publishedSizes[name]]);
  // What is wanted most comes first: the time may not do for all.
  for (const dtype of options.isSmall ? (['f16'] as const) : (['f16', 'int8', 'f32'] as const))
    for (const [name, dims] of models)
      await attempt(options.note, `${name}, ${dtype}`, async () => {
        const run = { ...options, name, dims, dtype };
        await withDevice(open, (device) => measure(device, run));
        await withDevice(open, (device) => profile(device, run));
      });
}

async function withDevice(open: () => Promise<WebGpuDevice>, work: (device: Device) => Promise<void>): Promise<void> {
  const device = await open();
  try {
    await work(device);
  } finally {
    await device.close();
  }
}

async function measure(device: Device, run: Run): Promise<void> {
  const { name, dims, dtype, isSmall, note } = run;
  const most = isSmall ? 2 : 16;
  const inference = await modelOn(device, run, most);
  const mel = Float32Array.from({ length: dims.nMels * 2 * dims.nAudioCtx }, (_, i) => Math.sin(i * i));
  const audio: AudioFeatures[] = [];
  const windows: number[] = [];
  for (let i = 0; i < most; i++) {
    const before = performance.now();
    audio.push(await inference.encode(mel));
    windows.push(performance.now() - before);
  }
  const windowMs = Math.min(...windows);
  note({ model: name, dtype, what: 'a window', ms: windowMs, first: windows[0] });
  const tokens = isSmall ? 4 : TOKENS_A_WINDOW;
  const initialTokens = [dims.nVocab - 1600, dims.nVocab - 1599];
  const step = async (what: string, count: number, beams?: number): Promise<number> => {
    const groups = audio.slice(0, count).map((each) => ({ audio: each, initialTokens, sotIndex: 0, rows: beams ?? 1 }));
    const decode = async (limit: number): Promise<number> => {
      const before = performance.now();
      if (beams === undefined) await inference.greedy(groups, rulesOf(dims), limit);
      else await inference.beams?.(groups, rulesOf(dims), { wanted: beams, limit });
      return performance.now() - before;
    };
    await decode(tokens);
    const ms = (await decode(tokens)) / tokens;
    note({ model: name, dtype, what, ms });
    return ms;
  };
  const one = await step('a token, one row', 1);
  await step('a token, five beams', 1, 5);
  const many = await step(`a step, ${most} rows`, most);
  const hour = (stepMs: number, batch: number): number =>
    (WINDOWS_AN_HOUR * (windowMs + (TOKENS_A_WINDOW * stepMs) / batch)) / 1000;
  note({ model: name, dtype, what: 'an hour, by these', batch: 1, seconds: hour(one, 1) });
  note({ model: name, dtype, what: 'an hour, by these', batch: most, seconds: hour(many, most) });
  for (const each of audio) each.close();
}

async function profile(plain: Device, run: Run): Promise<void> {
  const { name, dims, dtype, note } = run;
  const device = profileDevice(plain);
  const inference = await modelOn(device, run, 1);
  const mel = new Float32Array(dims.nMels * 2 * dims.nAudioCtx);
  const tell = (phase: string): void => {
    for (const { kernel, variant, title, runs, totalMs, flops, bytes } of device.takeProfile())
      note(
        {
          ...{ model: name, dtype, phase, kernel: `${kernel}/${variant}`, title, runs },
          ...{ us: (1000 * totalMs) / runs, totalMs, gflops: flops / totalMs / 1e6, gigabytes: bytes / totalMs / 1e6 },
        },
        true,
      );
  };
  // The first time, drivers are still compiling.
  for (const isWarm of [false, true]) {
    const audio = await inference.encode(mel);
    if (isWarm) tell('window');
    const group = { audio, initialTokens: [dims.nVocab - 1600, dims.nVocab - 1599], sotIndex: 0, rows: 1 };
    await inference.greedy([group], rulesOf(dims), 4);
    if (isWarm) tell('prompt and 4 tokens');
    audio.close();
    device.takeProfile();
  }
}

/** Nothing ends it. */
function rulesOf({ nVocab }: ModelDimensions): LogitRules {
  return { eot: nVocab - 1, suppress: [nVocab - 1], suppressAtStart: [] };
}

async function modelOn(device: Device, { dims, dtype }: Run, maxAudio: number): Promise<ModelInference> {
  const reader: TensorReader = { dtype: () => 'f32', pieces: async function* () {} };
  const { weights } = planWeights(device, dims, reader, dtype);
  for (const tensor of tensorsOf(weights)) fill(device, tensor);
  return prepareInference(device, dims, weights, { dtype, cacheDtype: dtype === 'f32' ? 'f32' : 'f16', maxAudio });
}

function tensorsOf(weights: unknown): Tensor[] {
  if (typeof weights !== 'object' || weights === null) return [];
  // Whatever of the weights has a lifetime is a tensor.
  return 'lifetime' in weights ? [weights as Tensor] : Object.values(weights).flatMap(tensorsOf);
}

const PIECE = 1 << 20;
const floats = Float32Array.from({ length: PIECE }, (_, i) => 0.04 * Math.sin(i * i));
/** Halves of 2^-7 and less. */
const halves = Uint16Array.from({ length: PIECE }, (_, i) => (Math.imul(i, 40503) & 0x83ff) | (8 << 10));

/** Numbers that keep products in size; weights in int8 stay 0, which costs as much. */
function fill(device: Device, tensor: Tensor): void {
  if (tensor.dtype === 'int8') return;
  const count = tensor.shape.reduce((product, n) => product * n, 1);
  const values = tensor.dtype === 'f16' ? halves : floats;
  for (let at = 0; at < count; at += PIECE) device.write(tensor, values.subarray(0, Math.min(PIECE, count - at)), at);
}
