/**
 * An engine that plays logits from a script, so that decoding is tested without weights or a device. What it does with
 * them (rules, choice of tokens, rearranging of rows) is the plain meaning of `decode/inference.ts`.
 */

import { InternalError, NumericError } from '../../src/base/errors.ts';
import type {
  AlignRequest,
  AudioFeatures,
  Candidates,
  DecodeGroup,
  Decoding,
  GreedyResult,
  Inference,
  Joining,
  PlaceStep,
  SharedCandidates,
  SharedRows,
  SharedSequence,
} from '../../src/decode/inference.ts';
import { largest } from '../../src/decode/search/topK.ts';
import {
  applyRules,
  type LogitRules,
  logSumExp,
  MASKED,
  type RuleState,
  ruleState,
} from '../../src/rules/logitRules.ts';

export interface ScriptContext {
  /** What `encode` was given. */
  readonly mel: Float32Array;
  /** Which call of `encode` it was. */
  readonly window: number;
  /** All tokens of the row so far, initial ones included. */
  readonly history: readonly number[];
  /** Those of them that were sampled. */
  readonly sampled: readonly number[];
  /** The row in its group. */
  readonly row: number;
}

/** Raw logits of the token behind `history`, f32 [nVocab]. */
export type Script = (context: ScriptContext) => Float32Array;

class ScriptedAudio implements AudioFeatures {
  readonly mel: Float32Array;
  readonly window: number;
  closed = false;
  constructor(mel: Float32Array, window: number) {
    this.mel = mel;
    this.window = window;
  }
  close(): void {
    this.closed = true;
  }
}

export interface ScriptedOptions {
  readonly nVocab: number;
  readonly script: Script;
  readonly nTextCtx?: number;
  /** Scores of each alignment head, [tokens, columns], and the probability of each token but the first. */
  readonly align?: ((request: AlignRequest, window: number) => ScriptedAlignment) | undefined;
  /** Called before every step of a decoding, for tests that abort. */
  readonly onStep?: (() => void) | undefined;
  /** Lets others work before every step, as the wait for a device does. */
  readonly isSlow?: boolean | undefined;
}

export interface ScriptedAlignment {
  readonly heads: readonly Float32Array[];
  readonly probs: Float32Array;
}

export class ScriptedInference implements Inference {
  readonly nVocab: number;
  readonly nTextCtx: number;
  readonly nMels = 1;
  /** Everything decoding asked for. */
  readonly starts: { readonly groups: readonly DecodeGroup[]; readonly rules: LogitRules }[] = [];
  readonly mels: Float32Array[] = [];
  readonly align?: NonNullable<Inference['align']>;
  #open = 0;
  #openAudio = 0;
  #room = 1;
  readonly #options: ScriptedOptions;

  constructor(options: ScriptedOptions) {
    this.nVocab = options.nVocab;
    this.nTextCtx = options.nTextCtx ?? 448;
    this.#options = options;
    const { align } = options;
    if (align) {
      this.align = async (request, onHead, signal) => {
        options.onStep?.();
        signal?.throwIfAborted();
        const { window } = openAudio(request.audio);
        const { heads, probs } = align(request, window);
        for (const [i, head] of heads.entries()) onHead(head, 0, i);
        return probs;
      };
    }
  }

  /** Audio features and decodings that were not closed. */
  get open(): number {
    return this.#open;
  }

  async reserveAudio(count: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (count > this.#room && this.#openAudio > 0) throw new InternalError('windows are open');
    this.#room = Math.max(this.#room, count);
  }

  async encode(mel: Float32Array, signal?: AbortSignal, onPart?: (share: number) => void): Promise<AudioFeatures> {
    this.#options.onStep?.();
    signal?.throwIfAborted();
    if (this.#openAudio >= this.#room) throw new InternalError(`no room for more than ${this.#room} windows`);
    this.#openAudio++;
    await pause(this.#options);
    for (const share of [0.5, 1]) onPart?.(share);
    const audio = new ScriptedAudio(mel, this.mels.push(mel) - 1);
    this.#open++;
    const close = audio.close.bind(audio);
    audio.close = () => {
      if (!audio.closed) {
        this.#open--;
        this.#openAudio--;
      }
      close();
    };
    return audio;
  }

  async greedy(
    groups: readonly DecodeGroup[],
    rules: LogitRules,
    limit: number,
    signal?: AbortSignal,
    onStep?: (rows: readonly RuleState[]) => void,
  ): Promise<GreedyResult> {
    const decoding = await this.start(groups, rules, signal);
    const { eot } = rules;
    try {
      const sequences = Array.from({ length: decoding.rows }, () => ({
        tokens: [] as number[],
        logprobs: [] as number[],
      }));
      for (let step = 0; step < limit; step++) {
        const { tokens, logprobs } = await decoding.candidates(1, signal);
        for (const [r, sequence] of sequences.entries()) {
          if (sequence.tokens.at(-1) === eot) continue;
          sequence.tokens.push(tokens[r]!);
          sequence.logprobs.push(logprobs[r]!);
        }
        if (step + 1 === limit || sequences.every((sequence) => sequence.tokens.at(-1) === eot)) break;
        decoding.advance(sequences.map((sequence) => sequence.tokens.at(-1)!));
        onStep?.(sequences.map((sequence) => ruleState(sequence.tokens, rules)));
      }
      return { sequences, noSpeechProb: decoding.noSpeechProb };
    } finally {
      decoding.close();
    }
  }

  async shareRows(places: number, rowsEach: number): Promise<SharedRows> {
    this.#open++;
    return new ScriptedRows(
      places,
      rowsEach,
      (group, rules) => this.start([group], rules),
      () => this.#open--,
    );
  }

  async start(groups: readonly DecodeGroup[], rules: LogitRules, signal?: AbortSignal): Promise<Decoding> {
    signal?.throwIfAborted();
    this.starts.push({ groups, rules });
    for (const { initialTokens, audio } of groups) {
      if (initialTokens.length === 0 || initialTokens.length >= this.nTextCtx)
        throw new InternalError('initial tokens');
      openAudio(audio);
    }
    this.#open++;
    return new ScriptedDecoding(this.#options, this.nTextCtx, groups, rules, () => this.#open--);
  }
}

/** Places of a scripted engine: each a decoding of its own. */
class ScriptedRows implements SharedRows {
  readonly places: number;
  readonly rowsEach: number;
  readonly #start: (group: DecodeGroup, rules: LogitRules) => Promise<Decoding>;
  readonly #onClose: () => void;
  readonly #decodings = new Map<number, { readonly decoding: Decoding; readonly eot: number }>();
  #current: readonly number[] = [];
  #isBusy = false;

  constructor(
    places: number,
    rowsEach: number,
    start: (group: DecodeGroup, rules: LogitRules) => Promise<Decoding>,
    onClose: () => void,
  ) {
    this.places = places;
    this.rowsEach = rowsEach;
    this.#start = start;
    this.#onClose = onClose;
  }

  async join(groups: readonly Joining[]): Promise<Float32Array> {
    return this.#alone(async () => {
      const noSpeechProb: number[] = [];
      for (const { place, group, rules } of groups) {
        if (place >= this.places || this.#decodings.has(place)) throw new InternalError(`place ${place} is not free`);
        if (group.rows !== this.rowsEach) throw new InternalError(`${group.rows} rows have no place here`);
        const decoding = await this.#start(group, rules);
        this.#decodings.set(place, { decoding, eot: rules.eot });
        noSpeechProb.push(decoding.noSpeechProb[0]!);
      }
      this.#current = groups.map(({ place }) => place);
      return Float32Array.from(noSpeechProb);
    });
  }

  advance(steps: readonly PlaceStep[]): void {
    if (this.#isBusy) throw new InternalError('calls overlap');
    for (const { place, tokens, sourceRows } of steps) this.#at(place).decoding.advance(tokens, sourceRows);
    this.#current = steps.map(({ place }) => place);
  }

  async candidates(perRow: number): Promise<SharedCandidates> {
    return this.#alone(async () => {
      const size = this.#current.length * this.rowsEach;
      const tokens = new Uint32Array(size * perRow);
      const logprobs = new Float32Array(size * perRow);
      const errors: (NumericError | undefined)[] = new Array<undefined>(size).fill(undefined);
      for (const [i, place] of this.#current.entries()) {
        const first = i * this.rowsEach;
        try {
          const found = await this.#at(place).decoding.candidates(perRow);
          tokens.set(found.tokens, first * perRow);
          logprobs.set(found.logprobs, first * perRow);
        } catch (error) {
          if (!(error instanceof NumericError)) throw error;
          errors.fill(error, first, first + this.rowsEach);
        }
      }
      return { perRow, tokens, logprobs, errors };
    });
  }

  async logits(at: number, begin: number, end: number): Promise<Float32Array> {
    return this.#alone(() => this.#at(this.#current[at]!).decoding.logits(begin, end));
  }

  async greedy(steps: readonly PlaceStep[], most: number): Promise<SharedSequence[]> {
    return this.#alone(async () => {
      this.#current = [];
      const found: SharedSequence[] = [];
      for (const { place, tokens: given } of steps) {
        const { decoding, eot } = this.#at(place);
        const tokens: number[] = [];
        const logprobs: number[] = [];
        let error: NumericError | undefined;
        decoding.advance(given);
        // A device does several at once.
        while (!error && tokens.length < Math.min(most, 3) && tokens.at(-1) !== eot) {
          if (tokens.length > 0) decoding.advance(tokens.slice(-1));
          try {
            const best = await decoding.candidates(1);
            tokens.push(best.tokens[0]!);
            logprobs.push(best.logprobs[0]!);
          } catch (failure) {
            if (!(failure instanceof NumericError)) throw failure;
            error = failure;
          }
        }
        found.push({ tokens, logprobs, error });
      }
      return found;
    });
  }

  leave(place: number): void {
    this.#at(place).decoding.close();
    this.#decodings.delete(place);
  }

  close(): void {
    for (const { decoding } of this.#decodings.values()) decoding.close();
    this.#decodings.clear();
    this.#onClose();
  }

  #at(place: number) {
    const found = this.#decodings.get(place);
    if (!found) throw new InternalError(`nobody is at place ${place}`);
    return found;
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isBusy) throw new InternalError('calls overlap');
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
  }
}

function pause({ isSlow }: ScriptedOptions): Promise<void> {
  return isSlow ? new Promise((resolve) => setImmediate(resolve)) : Promise.resolve();
}

function openAudio(audio: AudioFeatures): ScriptedAudio {
  if (!(audio instanceof ScriptedAudio) || audio.closed) throw new InternalError('audio is not open');
  return audio;
}

interface Row {
  readonly group: DecodeGroup;
  readonly audio: ScriptedAudio;
  readonly index: number;
  sampled: readonly number[];
}

class ScriptedDecoding implements Decoding {
  readonly rows: number;
  readonly noSpeechProb: Float32Array;
  readonly #options: ScriptedOptions;
  readonly #nTextCtx: number;
  readonly #rules: LogitRules;
  readonly #rows: Row[];
  readonly #onClose: () => void;
  #closed = false;

  constructor(
    options: ScriptedOptions,
    nTextCtx: number,
    groups: readonly DecodeGroup[],
    rules: LogitRules,
    onClose: () => void,
  ) {
    this.#options = options;
    this.#nTextCtx = nTextCtx;
    this.#rules = rules;
    this.#onClose = onClose;
    this.#rows = groups.flatMap((group) =>
      Array.from({ length: group.rows }, (_, index) => {
        return { group, audio: openAudio(group.audio), index, sampled: [] };
      }),
    );
    this.rows = this.#rows.length;
    this.noSpeechProb = Float32Array.from(groups, (group) => {
      if (rules.noSpeech === undefined) return 0;
      const history = group.initialTokens.slice(0, group.sotIndex + 1);
      const { mel, window } = openAudio(group.audio);
      const row = options.script({ mel, window, history, sampled: [], row: 0 });
      return Math.exp(row[rules.noSpeech]! - logSumExp(row, 0, row.length));
    });
  }

  async candidates(perRow: number, signal?: AbortSignal): Promise<Candidates> {
    await this.#step(signal);
    const tokens = new Uint32Array(this.rows * perRow);
    const logprobs = new Float32Array(this.rows * perRow);
    this.#rows.forEach((row, r) => {
      best(this.#filtered(row), perRow).forEach(({ token, logprob }, k) => {
        tokens[r * perRow + k] = token;
        logprobs[r * perRow + k] = logprob;
      });
    });
    return { perRow, tokens, logprobs };
  }

  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void {
    if (tokens.length !== this.rows) throw new InternalError('one token a row');
    const before = this.#rows.map(({ sampled }) => sampled);
    this.#rows.forEach((row, r) => {
      const source = sourceRows?.[r] ?? r;
      if (this.#rows[source]!.group !== row.group) throw new InternalError('rows of different groups are mixed');
      row.sampled = [...before[source]!, tokens[r]!];
      if (row.group.initialTokens.length + row.sampled.length > this.#nTextCtx)
        throw new InternalError('cache is full');
    });
  }

  async logits(begin = 0, end = this.#options.nVocab): Promise<Float32Array> {
    await this.#step();
    const out = new Float32Array(this.rows * (end - begin));
    for (const [r, row] of this.#rows.entries()) out.set(this.#raw(row).subarray(begin, end), r * (end - begin));
    return out;
  }

  close(): void {
    if (!this.#closed) this.#onClose();
    this.#closed = true;
  }

  async #step(signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw new InternalError('decoding is closed');
    this.#options.onStep?.();
    signal?.throwIfAborted();
    await pause(this.#options);
  }

  #raw({ group, audio, sampled, index }: Row): Float32Array {
    const history = [...group.initialTokens, ...sampled];
    return this.#options.script({ mel: audio.mel, window: audio.window, history, sampled, row: index });
  }

  #filtered(row: Row): { logits: Float32Array; logSum: number } {
    const logits = this.#raw(row).slice();
    const logSum = applyRules(logits, ruleState(row.sampled, this.#rules, row.group.noEndBefore), this.#rules);
    if (Number.isNaN(logSum)) throw new NumericError('nonFinite', 'The script gave a logit that is not finite.');
    return { logits, logSum };
  }
}

function best({ logits, logSum }: { logits: Float32Array; logSum: number }, perRow: number) {
  return largest(logits, perRow).map((token) => ({ token, logprob: logprobOf(logits[token]!, logSum) }));
}

function logprobOf(logit: number, logSum: number): number {
  return logit <= MASKED ? Number.NEGATIVE_INFINITY : Math.fround(logit - logSum);
}

/** A row of logits that is `rest` but for the ids given. */
export function logitsOf(nVocab: number, values: Readonly<Record<number, number>>, rest = -60): Float32Array {
  const row = new Float32Array(nVocab).fill(rest);
  for (const [id, value] of Object.entries(values)) row[Number(id)] = value;
  return row;
}

/** Plays the tokens of `windows[i]` for the i-th encoded window, then `eot`, each by far the most probable. */
export function playTokens(
  nVocab: number,
  eot: number,
  windows: readonly (readonly number[])[],
  more: (context: ScriptContext) => Readonly<Record<number, number>> = () => ({}),
): Script {
  return (context) => {
    const token = windows[context.window]?.[context.sampled.length] ?? eot;
    return logitsOf(nVocab, { [token]: 20, ...more(context) });
  };
}
