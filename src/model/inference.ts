/**
 * Whisper on a device, as decoding wants it: implements `decode/inference.ts`.
 *
 * Weights, caches and tables are allocated at load; a token then costs one submit, or a share of one, and a read of a few
 * bytes. Programs for another number of rows (beams, batches) are prepared when first asked for, and kept.
 */
import type {
  AlignRequest,
  AudioFeatures,
  Candidates,
  DecodeGroup,
  Decoding,
  Inference,
  PickedSequence,
} from '../decode/inference.js';
import { type Device, type Executable, readFloats, readWords } from '../device/device.js';
import { InternalError, NumericError } from '../errors.js';
import {
  encodeMasks,
  encodeRuleState,
  encodeRules,
  nonFiniteToken,
  noToken,
  rowStateWidth,
  ruleStateWidth,
} from '../kernels/rowState.js';
import type { LogitRules } from '../numeric/logitRules.js';
import type { CallOptions } from '../progress.js';
import { Aligner, type AlignmentHeads } from './aligner.js';
import { buildDecoder, type CandidateProgram, type Decoder } from './decoder.js';
import type { ModelDimensions } from './dims.js';
import { buildEncoder, channelsLast, type Encoder } from './encoder.js';
import { allocateCrossCache, allocateSelfCache, type CrossCache } from './kvCache.js';
import { Pace } from './pace.js';
import { loadWeights, type ModelWeights, type TensorReader } from './weights.js';

export interface InferenceOptions extends CallOptions {
  /** Windows whose cross-attention caches are held at once; 1 when absent. */
  readonly maxAudio?: number;
  /** Cross-attention heads that follow the sound, for word times; the upper half of the layers when absent. */
  readonly alignmentHeads?: AlignmentHeads | undefined;
}

/** `Inference` with what tests and people who look inside want besides. */
export interface ModelInference extends Inference {
  readonly dims: ModelDimensions;
  /** Output of the encoder for the window encoded last: [nAudioCtx, nAudioState]. */
  encoderOutput(): Promise<Float32Array>;
  /**
   * Raw logits at every position of `tokens`, all fed at once: [tokens.length, nVocab].
   * A slow road for tests and research.
   */
  teacherForced(audio: AudioFeatures, tokens: readonly number[]): Promise<Float32Array>;
}

/** What is prepared for one number of rows. */
interface RowSet {
  readonly rows: number;
  readonly decoder: Decoder;
  readonly ready: Readonly<Record<'prefill' | 'head' | 'noSpeech' | 'forward' | 'pick' | 'step', Executable>>;
  readonly candidates: Map<number, CandidateProgram & { readonly ready: Executable }>;
  readonly slotOf: import('../program/program.js').Tensor;
  busy: boolean;
}

class Features implements AudioFeatures {
  readonly slot: number;
  readonly #release: (slot: number) => void;
  closed = false;

  constructor(slot: number, release: (slot: number) => void) {
    this.slot = slot;
    this.#release = release;
  }

  close(): void {
    if (!this.closed) this.#release(this.slot);
    this.closed = true;
  }
}

/** Loads a model onto a device. Closing the device gives everything back. */
export async function createInference(
  device: Device,
  dims: ModelDimensions,
  reader: TensorReader,
  options: InferenceOptions = {},
): Promise<ModelInference> {
  const weights = await loadWeights(device, dims, reader, options);
  const cross = allocateCrossCache(device, dims, options.maxAudio ?? 1);
  const encoder = buildEncoder(device, dims, weights, cross);
  const inference = new DeviceInference(device, dims, weights, cross, encoder, options.alignmentHeads);
  await inference.prepare(options);
  return inference;
}

class DeviceInference implements ModelInference {
  readonly dims: ModelDimensions;
  readonly #device: Device;
  readonly #weights: ModelWeights;
  readonly #cross: CrossCache;
  readonly #encoder: Encoder;
  readonly #freeSlots: number[];
  readonly #rowSets = new Map<number, Promise<RowSet>>();
  readonly #encodePace = new Pace();
  readonly #alignmentHeads: AlignmentHeads | undefined;
  #encoderParts: readonly Executable[] = [];
  #aligner: Aligner | undefined;

  constructor(
    device: Device,
    dims: ModelDimensions,
    weights: ModelWeights,
    cross: CrossCache,
    encoder: Encoder,
    alignmentHeads: AlignmentHeads | undefined,
  ) {
    this.#alignmentHeads = alignmentHeads;
    this.#device = device;
    this.dims = dims;
    this.#weights = weights;
    this.#cross = cross;
    this.#encoder = encoder;
    this.#freeSlots = Array.from({ length: cross.slots }, (_, i) => i);
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
    await this.#rowSet(1, signal);
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
    const set = await this.#rowSet(rows, signal);
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
    this.#aligner ??= new Aligner(this.#device, this.dims, this.#weights, this.#cross, this.#alignmentHeads);
    return this.#aligner.align(request, slotOf(request.audio), onHead, signal);
  }

  async teacherForced(audio: AudioFeatures, tokens: readonly number[]): Promise<Float32Array> {
    const set = await this.#rowSet(1);
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

  #rowSet(rows: number, signal?: AbortSignal): Promise<RowSet> {
    let set = this.#rowSets.get(rows);
    if (!set) {
      set = this.#makeRowSet(rows, signal);
      this.#rowSets.set(rows, set);
      set.catch(() => this.#rowSets.delete(rows));
    }
    return set;
  }

  async #makeRowSet(rows: number, signal?: AbortSignal): Promise<RowSet> {
    const cache = allocateSelfCache(this.#device, this.dims, rows);
    // Room for the longest prompt; prompts of several windows are fed one after the other.
    const decoder = buildDecoder(this.#device, this.dims, this.#weights, cache, this.#cross, rows, this.dims.nTextCtx);
    const { prefill, head, noSpeech, forward, pick, step } = decoder;
    const ready = await this.#device.prepare([prefill, head, noSpeech, forward, pick, step], signal);
    return {
      rows,
      decoder,
      ready: {
        prefill: ready[0]!,
        head: ready[1]!,
        noSpeech: ready[2]!,
        forward: ready[3]!,
        pick: ready[4]!,
        step: ready[5]!,
      },
      candidates: new Map(),
      slotOf: cache.slotOf,
      busy: false,
    };
  }
}

function slotOf(audio: AudioFeatures): number {
  if (!(audio instanceof Features)) throw new InternalError('these audio features are from another engine');
  if (audio.closed) throw new InternalError('these audio features are closed');
  return audio.slot;
}

interface PromptRow {
  readonly tokens: readonly number[];
  readonly sequence: number;
  readonly audio: number;
}

/** Runs the tokens of some sequences through all layers, from position 0 on. */
function feedPrompt(device: Device, set: RowSet, prompts: readonly PromptRow[]): void {
  const words = new Uint32Array(prompts.reduce((n, { tokens }) => n + tokens.length, 0) * rowStateWidth);
  let at = 0;
  for (const { tokens, sequence, audio } of prompts)
    for (const [position, token] of tokens.entries()) {
      words.set([token, position, sequence, audio], at);
      at += rowStateWidth;
    }
  device.write(set.decoder.state.promptRows, words);
  device.submit(set.ready.prefill, { rows: words.length / rowStateWidth });
}

class DeviceDecoding implements Decoding {
  readonly rows: number;
  readonly noSpeechProb: Float32Array;
  readonly #device: Device;
  readonly #dims: ModelDimensions;
  readonly #set: RowSet;
  readonly #groups: readonly DecodeGroup[];
  readonly #rules: LogitRules;
  /** Per row: its window, its cross-attention slot, the length of its prompt, what it sampled. */
  readonly #audio: number[] = [];
  readonly #promptLength: number[] = [];
  #sampled: number[][] = [];
  /** Where each position of each row lies: [rows, nTextCtx]. */
  readonly #slotOf: Uint32Array;
  readonly #pace = new Pace();
  #closed = false;

  constructor(device: Device, dims: ModelDimensions, set: RowSet, groups: readonly DecodeGroup[], rules: LogitRules) {
    this.#device = device;
    this.#dims = dims;
    this.#set = set;
    this.#groups = groups;
    this.#rules = rules;
    this.rows = set.rows;
    this.noSpeechProb = new Float32Array(groups.length);
    this.#slotOf = new Uint32Array(set.rows * dims.nTextCtx);
    for (const { audio, initialTokens, rows } of groups) {
      if (initialTokens.length === 0 || initialTokens.length >= dims.nTextCtx)
        throw new InternalError(`${initialTokens.length} initial tokens do not leave room in ${dims.nTextCtx}`);
      const first = this.#sampled.length;
      for (let i = 0; i < rows; i++) {
        this.#slotOf.fill(first, (first + i) * dims.nTextCtx, (first + i) * dims.nTextCtx + initialTokens.length);
        this.#audio.push(slotOf(audio));
        this.#promptLength.push(initialTokens.length);
        this.#sampled.push([]);
      }
    }
  }

  /** Feeds the prompts, reads the no-speech probabilities, leaves the first logits of every row. */
  async prefill(signal?: AbortSignal): Promise<void> {
    const { state } = this.#set.decoder;
    const device = this.#device;
    device.write(state.rules, encodeRules(this.#rules, this.#dims.nVocab));
    device.write(state.masks, encodeMasks(this.#rules, this.#dims.nVocab));
    device.write(state.noSpeechIds, new Uint32Array(this.rows).fill(this.#rules.noSpeech ?? noToken));
    let first = 0;
    const wanted: { index: number; rows: number }[] = [];
    const batches = this.#promptBatches();
    for (const batch of batches) {
      feedPrompt(device, this.#set, batch.prompts);
      device.write(state.headIndex, Uint32Array.from(batch.sotRows));
      device.submit(this.#set.ready.head, { rows: batch.sotRows.length });
      device.submit(this.#set.ready.noSpeech, { rows: batch.sotRows.length });
      const probabilities = await readFloats(device, state.noSpeech, 0, batch.sotRows.length);
      this.noSpeechProb.set(probabilities, first);
      first += batch.sotRows.length;
      for (const row of batch.lastRows) wanted.push(row);
      signal?.throwIfAborted();
    }
    device.write(this.#set.slotOf, this.#slotOf);
    if (batches.length > 1) throw new InternalError('prompts of all windows must fit one batch');
    device.write(state.headIndex, Uint32Array.from(wanted.flatMap(({ index, rows }) => Array(rows).fill(index))));
    device.submit(this.#set.ready.head, { rows: this.rows });
    this.#writeRows();
  }

  /** Prompts that are fed together, with the rows of `hidden` whose logits are wanted. */
  #promptBatches(): readonly {
    readonly prompts: readonly PromptRow[];
    readonly sotRows: readonly number[];
    readonly lastRows: readonly { index: number; rows: number }[];
  }[] {
    const capacity = this.#dims.nTextCtx;
    const batches: { prompts: PromptRow[]; sotRows: number[]; lastRows: { index: number; rows: number }[] }[] = [];
    let used = capacity;
    let sequence = 0;
    for (const { initialTokens: tokens, sotIndex, rows } of this.#groups) {
      if (used + tokens.length > capacity) {
        batches.push({ prompts: [], sotRows: [], lastRows: [] });
        used = 0;
      }
      const batch = batches.at(-1)!;
      batch.prompts.push({ tokens, sequence, audio: this.#audio[sequence]! });
      batch.sotRows.push(used + sotIndex);
      batch.lastRows.push({ index: used + tokens.length - 1, rows });
      used += tokens.length;
      sequence += rows;
    }
    return batches;
  }

  /** Tells the device what each row feeds next, and what its rules must know. */
  #writeRows(): void {
    const rowWords = new Uint32Array(this.rows * rowStateWidth);
    const ruleWords = new Uint32Array(this.rows * ruleStateWidth);
    for (const [row, sampled] of this.#sampled.entries()) {
      const token = sampled.at(-1) ?? 0;
      const position = this.#promptLength[row]! + sampled.length - 1;
      rowWords.set([token, position, row, this.#audio[row]!], row * rowStateWidth);
      ruleWords.set(encodeRuleState(sampled, this.#rules), row * ruleStateWidth);
    }
    this.#device.write(this.#set.decoder.state.rowState, rowWords);
    this.#device.write(this.#set.decoder.state.ruleState, ruleWords);
  }

  async run(limit: number, signal?: AbortSignal): Promise<readonly PickedSequence[]> {
    const { state } = this.#set.decoder;
    const device = this.#device;
    const steps = Math.max(1, Math.min(limit, ...this.#promptLength.map((n) => this.#dims.nTextCtx + 1 - n)));
    device.write(state.loop, Uint32Array.of(0, steps, 0, 0));
    device.submit(this.#set.ready.pick);
    const { ready } = this.#set;
    await this.#pace.repeat(
      steps - 1,
      (times) => device.submit(ready.step, { times, until: state.loop }),
      async () => (await device.read(state.loop, 0, 1))[0] !== 0,
      signal,
    );
    const ruleWords = await readWords(device, state.ruleState);
    const picked = await readWords(device, state.picked);
    const bits = new Float32Array(picked.buffer, picked.byteOffset, picked.length);
    return this.#sampled.map((_, row) => {
      if (ruleWords[row * ruleStateWidth + 5] !== 0) throw nonFinite();
      const tokens: number[] = [];
      const logprobs: number[] = [];
      for (let i = 0; i < ruleWords[row * ruleStateWidth]!; i++) {
        const at = (row * this.#dims.nTextCtx + i) * 2;
        tokens.push(picked[at]!);
        logprobs.push(bits[at + 1]!);
      }
      return { tokens, logprobs };
    });
  }

  async candidates(perRow: number, signal?: AbortSignal): Promise<Candidates> {
    signal?.throwIfAborted();
    let choose = this.#set.candidates.get(perRow);
    if (!choose) {
      const made = this.#set.decoder.candidates(perRow);
      const [ready] = await this.#device.prepare([made.program], signal);
      choose = { ...made, ready: ready! };
      this.#set.candidates.set(perRow, choose);
    }
    this.#device.submit(choose.ready);
    const [tokens, logprobs] = await Promise.all([
      readWords(this.#device, choose.ids),
      readFloats(this.#device, choose.logprobs),
    ]);
    for (const [i, token] of tokens.entries()) {
      if (token === nonFiniteToken) throw nonFinite();
      if (token !== noToken) continue;
      tokens[i] = this.#rules.eot;
      logprobs[i] = Number.NEGATIVE_INFINITY;
    }
    signal?.throwIfAborted();
    return { perRow, tokens, logprobs };
  }

  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void {
    const { nTextCtx } = this.#dims;
    const source = Array.from({ length: this.rows }, (_, row) => sourceRows?.[row] ?? row);
    const longest = Math.max(...source.map((from) => this.#promptLength[from]! + this.#sampled[from]!.length));
    if (longest >= nTextCtx) throw new InternalError(`a row has ${longest} tokens, the decoder holds ${nTextCtx}`);
    if (source.some((from, row) => from !== row)) {
      const before = this.#slotOf.slice();
      for (const [row, from] of source.entries())
        this.#slotOf.set(before.subarray(from * nTextCtx, (from + 1) * nTextCtx), row * nTextCtx);
    }
    this.#sampled = source.map((from, row) => [...this.#sampled[from]!, tokens[row]!]);
    for (const [row, sampled] of this.#sampled.entries())
      this.#slotOf[row * nTextCtx + this.#promptLength[row]! + sampled.length - 1] = row;
    if (sourceRows) this.#device.write(this.#set.slotOf, this.#slotOf);
    this.#writeRows();
    this.#device.submit(this.#set.ready.forward);
  }

  async logits(begin = 0, end = this.#dims.nVocab): Promise<Float32Array> {
    const { nVocab } = this.#dims;
    const out = new Float32Array(this.rows * (end - begin));
    for (let row = 0; row < this.rows; row++) {
      const part = await readFloats(
        this.#device,
        this.#set.decoder.state.logits,
        row * nVocab + begin,
        row * nVocab + end,
      );
      out.set(part, row * (end - begin));
    }
    return out;
  }

  close(): void {
    if (!this.#closed) this.#set.busy = false;
    this.#closed = true;
  }
}

function nonFinite(): NumericError {
  return new NumericError('nonFinite', 'the model gave a number that is not finite, so its text cannot be trusted', {
    hint: 'Check the recording and the weights ("sotto convert" again); if both are sound, please report it.',
  });
}
