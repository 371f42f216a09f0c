/**
 * Whisper on a device, as decoding wants it: implements `decode/inference.ts`.
 *
 * Weights, caches and tables are allocated at load; a token then costs one submit, or a share of one, and a read of a few
 * bytes. Programs for another number of rows (beams, batches) are prepared when first asked for, and kept.
 */
import { InternalError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { untilAborted } from '../base/signals.ts';
import type {
  AlignRequest,
  AudioFeatures,
  BeamsEnd,
  BeamsResult,
  DecodeGroup,
  Decoding,
  GreedyResult,
  Inference,
  OnHead,
  SharedRows,
} from '../decode/inference.ts';
import { type Device, type Executable, readFloats, readWords } from '../engine/device.ts';
import { storageBytes } from '../engine/dtype.ts';
import type { LogitRules, RuleState } from '../rules/logitRules.ts';
import type { Aligner } from './alignment/aligner.ts';
import type { AlignmentHeads } from './alignment/alignmentHeads.ts';
import { ChunkedSubmit } from './chunkedSubmit.ts';
import { type BatchSize, makeBatchSlot } from './decoder/batchSlot.ts';
import { BatchSlots } from './decoder/batchSlots.ts';
import { type DecodingContext, makeSlotOf, type PlacedGroup, prefillGroups } from './decoder/decodingRows.ts';
import { decodeGreedily } from './decoder/greedy.ts';
import { Arena, allocateCrossCache, type CrossCache } from './decoder/kvCache.ts';
import type { ModelDimensions } from './dims.ts';
import { buildEncoder, type Encoder, writeMel } from './encoder/encoder.ts';
import { Features, slotOf } from './encoder/features.ts';
import type { ChosenStorage } from './storage.ts';
import type { TensorReader } from './tensorData.ts';
import { loadWeights, type ModelWeights, planWeights } from './weights.ts';

/** `advanceRows` has them in one workgroup. */
const MAX_ROWS = 256;

/** How it is stored: caches in f32 when absent. Sums are f32 always. */
export interface InferenceOptions extends CallOptions, Partial<ChosenStorage> {
  /** Windows whose cross-attention caches are held at once; 1 when absent. */
  readonly maxAudio?: number;
  /** Cross-attention heads that follow the sound, for word times; those of the published model of this shape when absent. */
  readonly alignmentHeads?: AlignmentHeads | undefined;
  /** Leaves the decoder for the first `encode`, which then runs while it is loaded; all is loaded at once when absent. */
  readonly decoderLater?: DecoderLater | undefined;
}

export interface DecoderLater {
  /** Ends the loading. */
  readonly signal: AbortSignal;
  /** Called once nothing more is read. */
  onRead(): Promise<void>;
  /** What is thrown in place of an error. */
  explain(error: unknown): unknown;
}

/** `Inference` with what an engine may leave out, and what tests and people who look inside want besides. */
export interface ModelInference extends Required<Omit<Inference, 'align'>>, Pick<Inference, 'align'> {
  readonly dims: ModelDimensions;
  /** Bytes of the weights on the device. */
  readonly weightBytes: number;
  readonly storage: ChosenStorage;
  /** Output of the encoder for the window encoded last: [nAudioCtx, nAudioState]. */
  encoderOutput(): Promise<Float32Array>;
  /**
   * Raw logits at every position of `tokens`, all fed at once: [tokens.length, nVocab].
   * Slow: for tests and research.
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
  const { decoderLater: later, dtype, signal } = options;
  const { weights, encoder, decoder } = planWeights(device, dims, reader, dtype);
  const inference = new DeviceInference(device, dims, weights, options);
  if (!later) {
    await loadWeights([...encoder, ...decoder], options);
    await inference.prepare(options);
    return inference;
  }
  await loadWeights(encoder, options);
  await inference.prepareLayers(signal);
  inference.completeLater(async () => {
    try {
      await loadWeights(decoder, { signal: later.signal });
      await later.onRead();
      await inference.prepareDecoder(later.signal);
    } catch (error) {
      throw later.explain(error);
    }
  });
  return inference;
}

/** A model whose weights are whatever they are: for those who look at its programs alone. */
export async function prepareInference(
  device: Device,
  dims: ModelDimensions,
  weights: ModelWeights,
  options: InferenceOptions,
): Promise<ModelInference> {
  const inference = new DeviceInference(device, dims, weights, options);
  await inference.prepare(options);
  return inference;
}

class DeviceInference implements ModelInference {
  readonly dims: ModelDimensions;
  readonly #device: Device;
  readonly #weights: ModelWeights;
  readonly storage: ChosenStorage;
  readonly #alignmentHeads: AlignmentHeads | undefined;
  /** Everything but the weights: made anew when more windows are to be held at once. */
  readonly #memory: Arena;
  readonly #batchSlots: BatchSlots;
  readonly #encodeChunks = new ChunkedSubmit();
  #cross: CrossCache;
  #encoder: Encoder;
  #freeSlots: number[];
  /** The encoder's own layers, and what follows them: the decoder's keys and values. */
  #layers: readonly Executable[] = [];
  #crossPart: Executable | undefined;
  /** Loads what the model lacks; undefined once there is nothing. */
  #complete: (() => Promise<void>) | undefined;
  #aligner: Aligner | undefined;

  constructor(device: Device, dims: ModelDimensions, weights: ModelWeights, options: InferenceOptions) {
    const { maxAudio: slots = 1, dtype, cacheDtype = 'f32', reason } = options;
    this.#device = device;
    this.dims = dims;
    this.#weights = weights;
    this.storage = { dtype, cacheDtype, reason };
    this.#alignmentHeads = options.alignmentHeads;
    this.#memory = new Arena(device);
    this.#cross = this.#allocateCross(slots);
    this.#encoder = buildEncoder(this.#memory, { dims, weights, cross: this.#cross });
    this.#freeSlots = Array.from({ length: slots }, (_, i) => i);
    this.#batchSlots = new BatchSlots(device, async (memory, size, signal) => {
      const fusedStep = device.wantsFusedSteps ? (await import('./decoder/stepwise.ts')).fusedStep : undefined;
      const network = { dims, weights, cross: this.#cross };
      return makeBatchSlot({ device, memory, ...size, ...network, cacheDtype, fusedStep }, signal);
    });
  }

  #allocateCross(slots: number): CrossCache {
    const layout = { slots, dtype: this.storage.cacheDtype, panelWidth: this.#device.crossPanelWidth };
    return allocateCrossCache(this.#memory, this.dims, layout);
  }

  get weightBytes(): number {
    return this.#weights.bytes;
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
  /** Those of a layer have their keys in one tensor. */
  get maxRows(): number {
    const each = storageBytes(this.storage.cacheDtype, [this.nTextCtx, this.dims.nTextState]);
    return Math.min(MAX_ROWS, Math.floor(this.#device.maxTensorBytes / each));
  }

  async prepare({ signal, onProgress }: CallOptions): Promise<void> {
    onProgress?.({ stage: 'compile', done: 0, total: 2, unit: 'kernels', item: 'encoder' });
    const { layers, cross } = this.#encoder;
    const ready = await this.#device.prepare([...layers, cross], signal);
    this.#layers = ready.slice(0, layers.length);
    this.#crossPart = ready[layers.length];
    onProgress?.({ stage: 'compile', done: 1, total: 2, unit: 'kernels', item: 'decoder' });
    await this.#batchSlots.take({ rows: 1 }, signal);
    onProgress?.({ stage: 'compile', done: 2, total: 2, unit: 'kernels', item: 'decoder' });
  }

  /** The first half of `prepare`, which reads no weights of the decoder. */
  async prepareLayers(signal: AbortSignal | undefined): Promise<void> {
    this.#layers = await this.#device.prepare(this.#encoder.layers, signal);
  }

  /** The other half. */
  async prepareDecoder(signal: AbortSignal | undefined): Promise<void> {
    [this.#crossPart] = await this.#device.prepare([this.#encoder.cross], signal);
    await this.#batchSlots.take({ rows: 1 }, signal);
  }

  /** @param load called when the model is first used, once */
  completeLater(load: () => Promise<void>): void {
    let loading: Promise<void> | undefined;
    this.#complete = () => {
      loading ??= load().then(() => {
        this.#complete = undefined;
      });
      // Who waits for it gets the error.
      loading.catch(() => {});
      return loading;
    };
  }

  async encode(mel: Float32Array, signal?: AbortSignal, onPart?: (share: number) => void): Promise<AudioFeatures> {
    signal?.throwIfAborted();
    const { nMels, nAudioCtx } = this.dims;
    if (mel.length !== nMels * 2 * nAudioCtx)
      throw new InternalError(`a window is ${nMels} x ${2 * nAudioCtx} log-mel values, not ${mel.length}`);
    const slot = this.#freeSlots.pop();
    if (slot === undefined) throw new InternalError(`all ${this.#cross.slots} cross-attention caches are in use`);
    try {
      this.#device.write(this.#encoder.slot, Uint32Array.of(slot, 0, 0, 0));
      writeMel(this.#device, this.#encoder.mel, mel, nMels);
      const { length } = this.#layers;
      const submit = (part: number): void =>
        this.#device.submit(part < length ? this.#layers[part]! : this.#crossPart!);
      const wait = (): Promise<unknown> => readWords(this.#device, this.#encoder.slot);
      if (this.#complete) {
        // The loading has this thread: nothing would submit one layer after the other.
        for (let part = 0; part < length; part++) submit(part);
        await untilAborted(this.#complete(), signal);
        submit(length);
        await wait();
        onPart?.(1);
      } else await this.#encodeChunks.run(length + 1, submit, wait, signal, onPart);
    } catch (error) {
      this.#freeSlots.push(slot);
      throw error;
    }
    return new Features(slot, (freed) => this.#freeSlots.push(freed));
  }

  encoderOutput(): Promise<Float32Array> {
    return readFloats(this.#device, this.#encoder.output);
  }

  async greedy(
    groups: readonly DecodeGroup[],
    rules: LogitRules,
    limit: number,
    signal?: AbortSignal,
    onStep?: (rows: readonly RuleState[]) => void,
  ): Promise<GreedyResult> {
    const { context, release } = await this.#occupy({ rows: rowsOf(groups) }, signal);
    try {
      const { rows, noSpeechProb } = await prefillGroups(context, inOrder(groups, rules), makeSlotOf(context), signal);
      return { sequences: await decodeGreedily(context, rows, limit, signal, onStep), noSpeechProb };
    } finally {
      release();
    }
  }

  async beams(
    groups: readonly DecodeGroup[],
    rules: LogitRules,
    end: BeamsEnd,
    signal?: AbortSignal,
    onStep?: (rows: readonly RuleState[]) => void,
  ): Promise<BeamsResult | undefined> {
    const { decodeBeams } = await import('./decoder/stepwise.ts');
    const { context, release } = await this.#occupy({ rows: rowsOf(groups) }, signal);
    try {
      const { rows, noSpeechProb } = await prefillGroups(context, inOrder(groups, rules), makeSlotOf(context), signal);
      const found = await decodeBeams(context, rows, groups[0]?.rows ?? 1, end, signal, onStep);
      return found && { groups: found, noSpeechProb };
    } finally {
      release();
    }
  }

  async start(groups: readonly DecodeGroup[], rules: LogitRules, signal?: AbortSignal): Promise<Decoding> {
    const { DeviceDecoding } = await import('./decoder/stepwise.ts');
    const { context, release } = await this.#occupy({ rows: rowsOf(groups) }, signal);
    try {
      const slotOf = makeSlotOf(context);
      const prefilled = await prefillGroups(context, inOrder(groups, rules), slotOf, signal);
      return new DeviceDecoding(context, prefilled, slotOf, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  async shareRows(places: number, rowsEach: number): Promise<SharedRows> {
    const { DeviceSharedRows } = await import('./decoder/stepwise.ts');
    const count = Math.max(1, Math.min(places, Math.floor(this.maxRows / rowsEach)));
    const { context, release } = await this.#occupy({ rows: count * rowsEach, rowsEach });
    return new DeviceSharedRows(context, { places: count, rowsEach }, release);
  }

  /** Takes the batch slot of a size. */
  async #occupy(
    size: BatchSize,
    signal?: AbortSignal,
  ): Promise<{ readonly context: DecodingContext; readonly release: () => void }> {
    signal?.throwIfAborted();
    const slot = await this.#batchSlots.take(size, signal);
    if (slot.busy) throw new InternalError(`${size.rows} rows are decoding already: close that decoding first`);
    slot.busy = true;
    return {
      context: { device: this.#device, dims: this.dims, slot },
      release: () => {
        slot.busy = false;
      },
    };
  }

  async align(request: AlignRequest, onHead: OnHead, signal?: AbortSignal): Promise<Float32Array> {
    const decoder = { device: this.#device, dims: this.dims, weights: this.#weights, cross: this.#cross };
    const { heads, audio } = request;
    if (heads) {
      const { alignAskedHeads } = await import('./alignment/askedHeads.ts');
      return alignAskedHeads(decoder, heads, request, slotOf(audio), onHead, signal);
    }
    // A page loads it when words are asked for their times.
    const { Aligner } = await import('./alignment/aligner.ts');
    this.#aligner ??= new Aligner({ ...decoder, memory: this.#memory, heads: this.#alignmentHeads });
    return this.#aligner.align(request, slotOf(audio), onHead, signal);
  }

  async teacherForced(audio: AudioFeatures, tokens: readonly number[]): Promise<Float32Array> {
    const { teacherForced } = await import('./decoder/stepwise.ts');
    const slot = await this.#batchSlots.take({ rows: 1 });
    return teacherForced({ device: this.#device, dims: this.dims, slot }, slotOf(audio), tokens);
  }

  async reserveAudio(count: number, signal?: AbortSignal): Promise<void> {
    if (count <= this.#cross.slots) return;
    if (this.#complete) await untilAborted(this.#complete(), signal);
    if (this.#freeSlots.length < this.#cross.slots)
      throw new InternalError('windows are decoding: nothing can be moved');
    const before = this.#cross.slots;
    try {
      await this.#hold(count, signal);
    } catch (error) {
      // Who can do with less goes on.
      await this.#hold(before);
      throw error;
    }
  }

  /** Makes everything but the weights anew, for so many windows. */
  async #hold(count: number, signal?: AbortSignal): Promise<void> {
    await this.#batchSlots.freeAll();
    this.#memory.freeAll();
    this.#aligner = undefined;
    this.#cross = this.#allocateCross(count);
    this.#encoder = buildEncoder(this.#memory, { dims: this.dims, weights: this.#weights, cross: this.#cross });
    this.#freeSlots = Array.from({ length: count }, (_, i) => i);
    await this.prepare({ signal });
  }
}

function rowsOf(groups: readonly DecodeGroup[]): number {
  return groups.reduce((n, group) => n + group.rows, 0);
}

/** Groups one after the other, all by the same rules. */
function inOrder(groups: readonly DecodeGroup[], rules: LogitRules): PlacedGroup[] {
  return groups.map((group, i) => ({ group, rules, set: 0, sequence: rowsOf(groups.slice(0, i)) }));
}
