/**
 * The audio encoder as programs: log-mel of one window -> encoder output -> every decoder layer's cross-attention keys and
 * values in the cache.
 *
 * One program a layer, not one for all, so that a run can be stopped between them and no GPU submit lasts seconds.
 */

import type { Device } from '../../engine/device.ts';
import { type Program, type ProgramBuilder, record, type Tensor } from '../../engine/program.ts';
import { attention } from '../../kernels/attention/attention.ts';
import { crossKvStore } from '../../kernels/attention/crossKvStore.ts';
import { conv1d } from '../../kernels/matmul/conv1d.ts';
import { layerNorm } from '../../kernels/norm/layerNorm.ts';
import { mlp, normed, projected } from '../blocks.ts';
import type { Allocator, CrossCache } from '../decoder/kvCache.ts';
import type { ModelDimensions } from '../dims.ts';
import type { EncoderLayerWeights, ModelWeights } from '../weights.ts';

export interface Encoder {
  /** In order; together, and with `cross` after them, they encode one window. */
  readonly layers: readonly Program[];
  /** The encoder's output to the decoder's keys and values: the only one that reads weights of the decoder. */
  readonly cross: Program;
  /** Log-mel, channels last, a row of zeros before and after: [2 nAudioCtx + 2, nMels]. */
  readonly mel: Tensor;
  /** The cache slot to fill: [4], its number first. */
  readonly slot: Tensor;
  /** The encoder's output after its last layer norm, and before that what layers keep for themselves: [nAudioCtx, nAudioState]. */
  readonly output: Tensor;
}

export interface EncoderNetwork {
  readonly dims: ModelDimensions;
  readonly weights: ModelWeights;
  /** Where the cross-attention's keys and values of each window go. */
  readonly cross: CrossCache;
}

export function buildEncoder(memory: Allocator, { dims, weights: w, cross }: EncoderNetwork): Encoder {
  const { nAudioCtx, nAudioState, nMels } = dims;
  const nFrames = 2 * nAudioCtx;
  const mel = memory.allocate('mel', 'f32', [nFrames + 2, nMels]);
  const slot = memory.allocate('crossSlot', 'u32', [4]);
  const output = memory.allocate('encoder.output', 'f32', [nAudioCtx, nAudioState]);
  /** The residual stream between programs. */
  const x = memory.allocate('encoder.x', 'f32', [nAudioCtx, nAudioState]);
  // The only slot is the one that is being filled: nothing is in it.
  const borrowed = cross.slots === 1 ? [...cross.keys, ...cross.values] : [];
  const front = record(
    'encoder.conv',
    (p) => {
      const padded = p.scratch('conv1.out', 'f32', [nFrames + 2, nAudioState]);
      p.run(conv1d, { x: mel, ...w.conv1, y: padded }, { padOut: 1 });
      p.run(conv1d, { x: padded, ...w.conv2, positions: w.encoderPositions, y: x }, { stride: 2 });
    },
    { allRows: true, borrowed },
  );
  const layers = w.encoderLayers.map((layer, i) =>
    record(`encoder.layer${i}`, (p) => encoderLayer(p, dims, layer, x, output), { allRows: true, borrowed }),
  );
  const crossPart = record(
    'encoder.cross',
    (p) => {
      p.run(layerNorm, { x, ...w.encoderNorm, y: output });
      for (const [i, layer] of w.decoderLayers.entries()) {
        const kv = projected(p, `cross${i}.kv`, output, layer.crossKeyValue);
        p.run(crossKvStore, { kv, slot, keys: cross.keys[i]!, values: cross.values[i]! });
      }
    },
    { allRows: true },
  );
  return { layers: [front, ...layers], cross: crossPart, mel, slot, output };
}

/** middle = x + attention(layerNorm(x)), then x = the MLP block of that; x, middle: [nAudioCtx, nAudioState]. */
function encoderLayer(
  p: ProgramBuilder,
  dims: ModelDimensions,
  w: EncoderLayerWeights,
  x: Tensor,
  middle: Tensor,
): void {
  const qkv = projected(p, 'qkv', normed(p, 'normed', x, w.attention.norm), w.attention.qkv);
  const attended = p.scratch('attended', 'f32', x.shape);
  // Weights in integers have their attention in integers too: a mean KL of 3e-7, far below what f16 loses.
  const rounded = w.attention.qkv.w.dtype === 'int8' ? 1 : 0;
  // Weights in halves allow it halves, where a GPU multiplies matrices of them.
  const halves = w.attention.qkv.w.dtype === 'f16' ? 1 : 0;
  p.run(attention, { qkv, y: attended }, { nHead: dims.nAudioHead, rounded, halves });
  mlp(p, projected(p, 'attention.out', attended, w.attention.out, { residual: x, y: middle }), w.mlp, x);
}

/** Frames of a window that are turned round at a time. */
const SLICE_FRAMES = 250;

/** Writes [nMels, nFrames] as rows of frames behind the first row of `target`; what that and the last row hold stays: zeros. */
export function writeMel(device: Device, target: Tensor, mel: Float32Array, nMels: number): void {
  const nFrames = mel.length / nMels;
  const slice = new Float32Array(SLICE_FRAMES * nMels);
  for (let begin = 0; begin < nFrames; begin += SLICE_FRAMES) {
    const count = Math.min(SLICE_FRAMES, nFrames - begin);
    for (let m = 0; m < nMels; m++)
      for (let t = 0; t < count; t++) slice[t * nMels + m] = mel[m * nFrames + begin + t]!;
    device.write(target, slice.subarray(0, count * nMels), (begin + 1) * nMels);
  }
}
