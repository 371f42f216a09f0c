/**
 * Whisper on a device, as decoding wants it: implements `decode/inference.ts`.
 *
 * Weights, caches and tables are allocated at load; a token then costs one submit, or a share of one, and a read of a few
 * bytes. Programs for another number of rows (beams, batches) are prepared when first asked for, and kept.
 */

import { InternalError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { AlignRequest, AudioFeatures, DecodeGroup, Decoding, Inference } from '../decode/inference.ts';
import { type Device, type Executable, readFloats } from '../engine/device.ts';
import type { LogitRules } from '../rules/logitRules.ts';
import { Aligner } from './alignment/aligner.ts';
import type { AlignmentHeads } from './alignment/alignmentHeads.ts';
import { Pace } from './chunkedSubmit.ts';
import { feedPrompt, makeRowSet } from './decoder/batchSlot.ts';
import { RowSets } from './decoder/batchSlots.ts';
import { DeviceDecoding } from './decoder/decoding.ts';
import { Arena, allocateCrossCache, type CrossCache } from './decoder/kvCache.ts';
import type { ModelDimensions } from './dims.ts';
import { buildEncoder, channelsLast, type Encoder } from './encoder/encoder.ts';
import { Features, slotOf } from './encoder/features.ts';
import { loadWeights, type ModelWeights, type TensorReader } from './weights.ts';

export interface InferenceOptions extends CallOptions {
  /** Windows whose cross-attention caches are held at once; 1 when absent. */
  readonly maxAudio?: number;
  /** Cross-attention heads that follow the sound, for word times; those of the published model of this shape when absent. */
  readonly alignmentHeads?: AlignmentHeads | undefined;
}

/** `Inference` with what tests and people who look inside want besides. */
export interface ModelInference extends Inference {
  readonly dims: ModelDimensions;
  reserveAudio(count: number, signal?: AbortSignal): Promise<void>;
  /** Output of the encoder for the window encoded last: [nAudioCtx, nAudioState]. */
  encoderOutput(): Promise<Float32Array>;
  /**
   * Raw logits at every position of `tokens`, all fed at once: [tokens.length, nVocab].
   * A slow road for tests and research.
   */
  teacherForced(audio: AudioFeatures, tokens: readonly number[]): Promise<Float32Array>;
}

/** Loads a model onto a device. Closing the device gives everything back. */
export async function createInference(
  device: Device,
  dims: ModelDimensions,
  reader: TensorReader,
  options: InferenceOptions = {},
): Promise<ModelInference> {
  const weights = await loadWeights(device, dims, reader, options);
  const inference = new DeviceInference(device, dims, weights, options);
  await inference.prepare(options);
  return inference;
}

class DeviceInference implements ModelInference {
  readonly dims: ModelDimensions;
  readonly #device: Device;
  readonly #weights: ModelWeights;
  readonly #alignmentHeads: AlignmentHeads | undefined;
  /** Everything but the weights: made anew when more windows are to be held at once. */
  readonly #memory: Arena;
  readonly #rowSets: RowSets;
  readonly #encodePace = new Pace();
  #cross: CrossCache;
  #encoder: Encoder;
  #freeSlots: number[];
  #encoderParts: readonly Executable[] = [];
  #aligner: Aligner | undefined;

  constructor(device: Device, dims: ModelDimensions, weights: ModelWeights, options: InferenceOptions) {
    const slots = options.maxAudio ?? 1;
    this.#device = device;
    this.dims = dims;
    this.#weights = weights;
    this.#alignmentHeads = options.alignmentHeads;
    this.#memory = new Arena(device);
    this.#cross = allocateCrossCache(this.#memory, dims, slots);
    this.#encoder = buildEncoder(this.#memory, dims, weights, this.#cross);
    this.#freeSlots = Array.from({ length: slots }, (_, i) => i);
    this.#rowSets = new RowSets(device, (memory, rows, signal) =>
      makeRowSet(device, memory, dims, weights, this.#cross, rows, signal),
    );
  }

  get nVocab(): number {
    return this.dims.nVocab;
  }
  get nTextCtx(): number {
    return this.dims.nTextCtx;
  }
  get nMels(): number {
    return this.dims.nMels;
  }

  async prepare({ signal, onProgress }: CallOptions): Promise<void> {
    onProgress?.({ stage: 'compile', done: 0, total: 2, unit: 'kernels', item: 'encoder' });
    this.#encoderParts = await this.#device.prepare(this.#encoder.programs, signal);
    onProgress?.({ stage: 'compile', done: 1, total: 2, unit: 'kernels', item: 'decoder' });
    await this.#rowSets.take(1, signal);
    onProgress?.({ stage: 'compile', done: 2, total: 2, unit: 'kernels', item: 'decoder' });
  }

  async encode(mel: Float32Array, signal?: AbortSignal): Promise<AudioFeatures> {
    signal?.throwIfAborted();
    const { nMels, nAudioCtx } = this.dims;
    if (mel.length !== nMels * 2 * nAudioCtx)
      throw new InternalError(`a window is ${nMels} x ${2 * nAudioCtx} log-mel values, not ${mel.length}`);
    const slot = this.#freeSlots.pop();
    if (slot === undefined) throw new InternalError(`all ${this.#cross.slots} cross-attention caches are in use`);
    try {
      this.#device.write(this.#encoder.slot, Uint32Array.of(slot, 0, 0, 0));
      this.#device.write(this.#encoder.mel, channelsLast(mel, nMels));
      await this.#encodePace.run(
        this.#encoderParts.length,
        (part) => this.#device.submit(this.#encoderParts[part]!),
        () => this.#device.read(this.#encoder.slot, 0, 1),
        signal,
      );
    } catch (error) {
      this.#freeSlots.push(slot);
      throw error;
    }
    return new Features(slot, (freed) => this.#freeSlots.push(freed));
  }

  encoderOutput(): Promise<Float32Array> {
    return readFloats(this.#device, this.#encoder.output);
  }

  async start(groups: readonly DecodeGroup[], rules: LogitRules, signal?: AbortSignal): Promise<Decoding> {
    signal?.throwIfAborted();
    const rows = groups.reduce((n, group) => n + group.rows, 0);
    const set = await this.#rowSets.take(rows, signal);
    if (set.busy) throw new InternalError(`${rows} rows are decoding already: close that decoding first`);
    set.busy = true;
    try {
      const decoding = new DeviceDecoding(this.#device, this.dims, set, groups, rules);
      await decoding.prefill(signal);
      return decoding;
    } catch (error) {
      set.busy = false;
      throw error;
    }
  }

  async align(
    request: AlignRequest,
    onHead: (scores: Float32Array) => void,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    this.#aligner ??= new Aligner(
      this.#device,
      this.#memory,
      this.dims,
      this.#weights,
      this.#cross,
      this.#alignmentHeads,
    );
    return this.#aligner.align(request, slotOf(request.audio), onHead, signal);
  }

  async teacherForced(audio: AudioFeatures, tokens: readonly number[]): Promise<Float32Array> {
    const set = await this.#rowSets.take(1);
    const { nVocab } = this.dims;
    const { state } = set.decoder;
    feedPrompt(this.#device, set, [{ tokens, sequence: 0, audio: slotOf(audio) }]);
    const out = new Float32Array(tokens.length * nVocab);
    for (let i = 0; i < tokens.length; i++) {
      this.#device.write(state.headIndex, Uint32Array.of(i));
      this.#device.submit(set.ready.head, { rows: 1 });
      out.set(await readFloats(this.#device, state.logits), i * nVocab);
    }
    return out;
  }

  async reserveAudio(count: number, signal?: AbortSignal): Promise<void> {
    if (count <= this.#cross.slots) return;
    if (this.#freeSlots.length < this.#cross.slots)
      throw new InternalError('windows are decoding: nothing can be moved');
    await this.#rowSets.freeAll();
    this.#memory.freeAll();
    this.#aligner = undefined;
    this.#cross = allocateCrossCache(this.#memory, this.dims, count);
    this.#encoder = buildEncoder(this.#memory, this.dims, this.#weights, this.#cross);
    this.#freeSlots = Array.from({ length: count }, (_, i) => i);
    await this.prepare({ signal });
  }
}
