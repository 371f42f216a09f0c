/**
 * What word times need of the decoder: one pass over tokens that are known, the alignment heads' cross-attention scores
 * before their softmax, and the probability of each token after those before it.
 *
 * Has programs and a cache of its own, made when the first words are asked for. The pass keeps the cross-attention queries
 * of the layers that have alignment heads; scores are then computed and read one head at a time.
 */

import { InternalError, NumericError } from '../../base/errors.ts';
import type { AlignRequest, OnHead } from '../../decode/inference.ts';
import { type Device, type Executable, prepareNamed, readFloats } from '../../engine/device.ts';
import { record, type Tensor } from '../../engine/program.ts';
import { crossQK } from '../../kernels/attention/crossQK.ts';
import { gatherRows } from '../../kernels/embed/gatherRows.ts';
import { NO_TOKEN, ROW_STATE } from '../../kernels/sampling/decodeState.ts';
import { tokenProbability } from '../../kernels/sampling/tokenProbability.ts';
import { type Allocator, allocateSelfCache, type CrossCache } from '../decoder/kvCache.ts';
import { recordLayers, recordLogits } from '../decoder/layers.ts';
import type { ModelDimensions } from '../dims.ts';
import type { ModelWeights } from '../weights.ts';
import { type AlignmentHeads, alignmentHeadsOf } from './alignmentHeads.ts';

/** Rows whose logits are made at once: a few megabytes. */
const LOGIT_ROWS = 16;

interface Prepared {
  readonly vocabEnd: number;
  readonly pass: Executable;
  readonly heads: readonly Executable[];
  readonly probabilities: Executable;
}

export interface AlignerOptions {
  readonly device: Device;
  readonly memory: Allocator;
  readonly dims: ModelDimensions;
  readonly weights: ModelWeights;
  readonly cross: CrossCache;
  /** Those of the published model of this shape when absent. */
  readonly heads?: AlignmentHeads | undefined;
}

export class Aligner {
  readonly #options: AlignerOptions;
  readonly #heads: AlignmentHeads;
  readonly #rowState: Tensor;
  readonly #hidden: Tensor;
  readonly #scores: Tensor;
  readonly #index: Tensor;
  readonly #ids: Tensor;
  readonly #probs: Tensor;
  #prepared: Promise<Prepared> | undefined;

  constructor(options: AlignerOptions) {
    const { memory, dims, heads = alignmentHeadsOf(dims) } = options;
    for (const [layer, head] of heads)
      if (!(layer < dims.nTextLayer && head < dims.nTextHead))
        throw new InternalError(
          `there is no alignment head ${layer}.${head} in ${dims.nTextLayer} x ${dims.nTextHead}`,
        );
    this.#options = options;
    this.#heads = heads;
    const { nTextCtx, nTextState, nAudioCtx } = dims;
    this.#rowState = memory.allocate('align.rows', 'u32', [nTextCtx, ROW_STATE.width]);
    this.#hidden = memory.allocate('align.hidden', 'f32', [nTextCtx, nTextState]);
    this.#scores = memory.allocate('align.scores', 'f32', [nTextCtx, nAudioCtx]);
    this.#index = memory.allocate('align.index', 'u32', [LOGIT_ROWS]);
    this.#ids = memory.allocate('align.ids', 'u32', [LOGIT_ROWS]);
    this.#probs = memory.allocate('align.probs', 'f32', [LOGIT_ROWS]);
  }

  /** @see `Inference.align`; `slot` is the window's cross-attention cache */
  async align(
    { tokens, columns, vocabEnd }: AlignRequest,
    slot: number,
    onHead: OnHead,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const { device, dims } = this.#options;
    const { nTextCtx, nAudioCtx } = dims;
    const rows = tokens.length;
    if (rows === 0 || rows > nTextCtx) throw new InternalError(`${rows} tokens cannot be aligned in ${nTextCtx}`);
    if (columns > nAudioCtx) throw new InternalError(`${columns} columns are more than the encoder's ${nAudioCtx}`);
    const ready = await this.#prepare(vocabEnd, signal);
    signal?.throwIfAborted();
    const rowState = tokens.flatMap((token, position) => ROW_STATE.encode({ token, position, audio: slot }));
    device.write(this.#rowState, Uint32Array.from(rowState));
    device.submit(ready.pass, { rows });
    for (const [i, executable] of ready.heads.entries()) {
      device.submit(executable, { rows });
      const scores = await readFloats(device, this.#scores, 0, rows * nAudioCtx);
      onHead(firstColumns(scores, rows, nAudioCtx, columns), ...this.#heads[i]!);
      signal?.throwIfAborted();
    }
    const probabilities = new Float32Array(rows - 1);
    for (let begin = 0; begin < rows - 1; begin += LOGIT_ROWS) {
      const count = Math.min(LOGIT_ROWS, rows - 1 - begin);
      const wanted = Array.from({ length: count }, (_, i) => tokens[begin + i + 1] ?? NO_TOKEN);
      device.write(
        this.#index,
        Uint32Array.from(wanted, (_, i) => begin + i),
      );
      device.write(this.#ids, Uint32Array.from(wanted));
      device.submit(ready.probabilities, { rows: count });
      probabilities.set(await readFloats(device, this.#probs, 0, count), begin);
      signal?.throwIfAborted();
    }
    if (!probabilities.every(Number.isFinite))
      throw new NumericError('nonFinite', 'the model gave a number that is not finite while words were timed');
    return probabilities;
  }

  #prepare(vocabEnd: number, signal: AbortSignal | undefined): Promise<Prepared> {
    this.#prepared ??= this.#make(vocabEnd, signal).catch((error) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared.then((ready) => {
      if (ready.vocabEnd !== vocabEnd)
        throw new InternalError(`text ended at id ${ready.vocabEnd}, now at ${vocabEnd}`);
      return ready;
    });
  }

  async #make(vocabEnd: number, signal: AbortSignal | undefined): Promise<Prepared> {
    const { device, memory, dims, weights, cross } = this.#options;
    const { nTextCtx, nTextState, nTextHead, nVocab } = dims;
    const self = allocateSelfCache(memory, dims, { slots: 1, dtype: cross.dtype });
    const logits = memory.allocate('align.logits', 'f32', [LOGIT_ROWS, nVocab]);
    const queries = new Map<number, Tensor>();
    for (const [layer] of this.#heads)
      if (!queries.has(layer)) queries.set(layer, memory.allocate(`align.q${layer}`, 'f32', [nTextCtx, nTextState]));
    const rowState = this.#rowState;
    const pass = record('align.pass', (p) =>
      recordLayers(
        p,
        { dims, weights, self, cross },
        { rowState, y: this.#hidden, queries: (layer) => queries.get(layer) },
      ),
    );
    const heads = this.#heads.map(([layer, head]) =>
      record(`align.head${layer}.${head}`, (p) => {
        const args = { q: queries.get(layer)!, keys: cross.keys[layer]!, rowState, scores: this.#scores };
        p.run(crossQK, args, { nHead: nTextHead, head });
      }),
    );
    const probabilities = record('align.probabilities', (p) => {
      const x = p.scratch('gathered', 'f32', [LOGIT_ROWS, nTextState]);
      p.run(gatherRows, { x: this.#hidden, index: this.#index, y: x });
      recordLogits(p, weights, x, logits);
      p.run(tokenProbability, { logits, ids: this.#ids, y: this.#probs }, { end: vocabEnd });
    });
    const ready = await prepareNamed(device, { pass, probabilities }, signal);
    return { vocabEnd, ...ready, heads: await device.prepare(heads, signal) };
  }
}

function firstColumns(scores: Float32Array, rows: number, width: number, columns: number): Float32Array {
  if (columns === width) return scores;
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) out.set(scores.subarray(row * width, row * width + columns), row * columns);
  return out;
}
