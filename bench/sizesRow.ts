/** One size with random weights, in a process of its own: a window through the encoder, greedy tokens, a step of five beams. */

import { chooseDevice } from '../src/devices/choose.ts';
import { WEIGHT_TYPES } from '../src/engine/dtype.ts';
import { createNodePlatform } from '../src/index.node.ts';
import { chooseStorage } from '../src/model/chooseStorage.ts';
import type { ModelDimensions } from '../src/model/dims.ts';
import { createInference } from '../src/model/inference.ts';
import { publishedSizes } from '../src/model/publishedSizes.ts';
import type { TensorReader } from '../src/model/tensorData.ts';
import { tensorSpecs } from '../src/model/tensorSpec.ts';
import type { SizeRow } from './sizes.ts';

const [name = 'tiny', asked = 'f32', threads = '1', where = 'cpu'] = process.argv.slice(2);
const dims: ModelDimensions | undefined = Object.entries(publishedSizes).find(([key]) => key === name)?.[1];
const dtype = WEIGHT_TYPES.find((type) => type === asked);
if (!dims || !dtype) throw new Error(`no size ${name}, or no type ${asked}`);

const TOKENS = 20;
const PIECE = 2 ** 18;
const kind = where === 'webgpu' ? where : 'cpu';
const device = await chooseDevice(createNodePlatform(), kind, { threads: Number(threads) });
const storage = await chooseStorage({ dims, dtypeOf: () => dtype, dtype, room: device.room });
let at = performance.now();
const lap = (): number => {
  const before = at;
  at = performance.now();
  return (at - before) / 1000;
};
const inference = await createInference(device, dims, randomReader(dims, dtype === 'f16'), storage);
const loadSeconds = lap();
const mel = Float32Array.from({ length: dims.nMels * 2 * dims.nAudioCtx }, (_, i) => Math.sin(i * i));
const audio = await inference.encode(mel);
const encodeSeconds = lap();
const group = { audio, initialTokens: [dims.nVocab - 1600, dims.nVocab - 1599], sotIndex: 0 };
const rules = { eot: dims.nVocab - 1, suppress: [dims.nVocab - 1], suppressAtStart: [] };
const { sequences } = await inference.greedy([{ ...group, rows: 1 }], rules, TOKENS);
const tokenSeconds = lap() / TOKENS;
const beams = await inference.start([{ ...group, rows: 5 }], rules);
const { tokens } = await beams.candidates(6);
beams.advance([0, 1, 2, 3, 4].map((beam) => tokens[6 * beam]!));
await beams.candidates(6);
beams.close();
audio.close();
await device.close();
const row: SizeRow = {
  size: name,
  dtype,
  cacheDtype: storage.cacheDtype,
  device: device.description,
  node: process.version,
  weightMB: Math.round(inference.weightBytes / 1e6),
  peakMB: Math.round(process.resourceUsage().maxRSS / 1e3),
  loadSeconds,
  encodeSeconds,
  tokenSeconds,
  sampled: sequences[0]?.tokens.length ?? 0,
};
process.send?.(row);

/** Rows whose products keep the size of what they are given; the same numbers over and over, since only time and room matter. */
function randomReader(dims: ModelDimensions, isHalf: boolean): TensorReader {
  const specs = tensorSpecs(dims);
  const floats = new Float32Array(PIECE);
  const halves = new Uint16Array(PIECE);
  let seed = 1;
  for (let i = 0; i < PIECE; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    floats[i] = (seed / 2 ** 31) * 0.04;
    // The same sizes as halves: exponents of 2^-7 and less.
    halves[i] = ((seed >>> 16) & 0x83ff) | (8 << 10);
  }
  return {
    dtype: () => (isHalf ? 'f16' : 'f32'),
    async *pieces(tensor) {
      const { shape } = specs.get(tensor)!;
      const count = shape.reduce((product, n) => product * n, 1);
      for (let done = 0; done < count; done += PIECE) {
        const length = Math.min(PIECE, count - done);
        if (isHalf) yield { dtype: 'f16', values: halves.subarray(0, length) };
        else yield { dtype: 'f32', values: floats.subarray(0, length) };
      }
    },
  };
}
