/**
 * An engine for many recordings at once: windows of all that are being decoded are rows of one batch, and each is decoded
 * as it would be alone.
 *
 * Every recording runs its own loop over windows and knows nothing of the others. What it asks of this `Inference` waits
 * here, and one thing after another is given to the engine: words to align and windows to encode first, since their
 * recordings can then take part in a step, which costs little more with many rows than with one. A recording has one window
 * at a time, so none waits for longer than the others take for one each.
 *
 * Bounded: as many recordings are let in as `admission` has places, each has at most one window in the engine, and rows for that one.
 */
import { DeviceError, InternalError } from '../../base/errors.ts';
import type { Semaphore } from '../../base/semaphore.ts';
import type { LogitRules } from '../../rules/logitRules.ts';
import type { AudioFeatures, BeamsResult, DecodeGroup, Decoding, GreedyResult, Inference } from '../inference.ts';
import { GreedyLane, type Lane, StepLane } from './lane.ts';
import { RequestQueue } from './requestQueue.ts';
import { Table } from './table.ts';

export class InferencePool implements Inference {
  readonly nVocab: number;
  readonly nTextCtx: number;
  readonly nMels: number;
  readonly align?: NonNullable<Inference['align']>;
  readonly #admission: Semaphore;
  readonly #inference: Inference;
  readonly #aligns = new RequestQueue<Float32Array>();
  readonly #encodes = new RequestQueue<AudioFeatures>();
  /** Those without a place. */
  #lanes: Lane[] = [];
  /** By rows of a place, the one that stepped last at the end. */
  readonly #tables = new Map<number, Table>();
  /** Decodes that have the engine's own way: one at a time. */
  readonly #direct: Semaphore;
  /** Windows that the engine holds, and has room for as far as is known. */
  #open = 0;
  #room = 1;
  #mostRoom: number;
  /** Places of a table, at most. */
  #mostPlaces = Number.POSITIVE_INFINITY;
  #isRunning = false;

  /**
   * @param admission who works here, a place for each recording
   * @param direct    of one place
   */
  constructor(inference: Inference, admission: Semaphore, direct: Semaphore) {
    this.#inference = inference;
    this.#direct = direct;
    this.#admission = admission;
    this.#mostRoom = inference.reserveAudio ? admission.size : 1;
    this.nVocab = inference.nVocab;
    this.nTextCtx = inference.nTextCtx;
    this.nMels = inference.nMels;
    const align = inference.align?.bind(inference);
    if (align) {
      this.align = (request, onHead, signal) => {
        return this.#aligns.add(
          () => align(request, onHead, signal),
          signal,
          () => this.#wake(),
        );
      };
    }
  }

  /** Whoever closes the window has to tell: `closed`. */
  encode(mel: Float32Array, signal?: AbortSignal, onPart?: (share: number) => void): Promise<AudioFeatures> {
    const encode = async (): Promise<AudioFeatures> => {
      this.#open++;
      try {
        return await this.#inference.encode(mel, signal, onPart);
      } catch (error) {
        this.closed();
        throw error;
      }
    };
    const unused = (features: AudioFeatures): void => {
      features.close();
      this.closed();
    };
    return this.#encodes.add(encode, signal, () => this.#wake(), unused);
  }

  /** A window is. */
  closed(): void {
    this.#open--;
    this.#wake();
  }

  async greedy(...request: Parameters<Inference['greedy']>): Promise<GreedyResult> {
    const [groups, rules, limit, signal, onStep] = request;
    const group = this.#shared(groups);
    if (group?.rows === 1) return this.#wait(new GreedyLane(this.#laneOf(group, rules, signal), limit, onStep)).result;
    const release = await this.#direct.lock(signal);
    try {
      return await this.#inference.greedy(...request);
    } finally {
      release();
    }
  }

  /** Windows that share rows are asked step by step. */
  async beams(...request: Parameters<NonNullable<Inference['beams']>>): Promise<BeamsResult | undefined> {
    const [groups, , , signal] = request;
    if (!this.#inference.beams || this.#shared(groups)) return undefined;
    const release = await this.#direct.lock(signal);
    try {
      return await this.#inference.beams(...request);
    } finally {
      release();
    }
  }

  async start(groups: readonly DecodeGroup[], rules: LogitRules, signal?: AbortSignal): Promise<Decoding> {
    const group = this.#shared(groups);
    if (group) return this.#wait(new StepLane(this.#laneOf(group, rules, signal), this.nVocab)).started;
    const release = await this.#direct.lock(signal);
    try {
      return closing(await this.#inference.start(groups, rules, signal), release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** The group of a call that goes into a table; undefined for calls that have the engine's own way. */
  #shared(groups: readonly DecodeGroup[]): DecodeGroup | undefined {
    const [group] = groups;
    if (!this.#inference.shareRows || !group || groups.length > 1) return undefined;
    // Who is alone needs no table.
    const isAlone = this.#admission.held <= 1 && this.#direct.held === 0 && this.#lanes.length === 0;
    return isAlone && this.#isEmpty ? undefined : group;
  }

  #laneOf(group: DecodeGroup, rules: LogitRules, signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    return { group, rules, signal, wake: () => this.#wake() };
  }

  #wait<L extends Lane>(lane: L): L {
    this.#lanes.push(lane);
    this.#wake();
    return lane;
  }

  get #isEmpty(): boolean {
    return [...this.#tables.values()].every(({ isEmpty }) => isEmpty);
  }

  /** There may be something to do. */
  #wake(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    // What is asked for at the same time is there then.
    await Promise.resolve();
    for (let work = this.#next(); work; work = this.#next()) await work();
    this.#isRunning = false;
  }

  /** What the engine does next; it does not throw. */
  #next(): (() => Promise<void>) | undefined {
    this.#sweep();
    const align = this.#aligns.take();
    if (align) return align.run;
    if (this.#encodes.size > 0) {
      const wanted = this.#wantedRoom;
      if (wanted > this.#room) {
        // Nothing can be moved while windows are open; no others are opened until they are through.
        if (this.#open === 0) return () => this.#makeRoom(wanted);
      } else if (this.#open < this.#room) return this.#encodes.take()?.run;
    }
    for (const lane of this.#lanes) {
      const { rows } = lane.group;
      const table = this.#tables.get(rows);
      if (!table) return () => this.#openTable(rows);
      if (table.isOpen) return () => this.#join(rows, table);
    }
    for (const [rows, table] of this.#tables) {
      if (!table.isReady) continue;
      this.#tables.delete(rows);
      this.#tables.set(rows, table);
      return () => this.#using(rows, table, () => table.step());
    }
    return undefined;
  }

  /** Lets go of lanes that nobody wants any more, and of tables without lanes. */
  #sweep(): void {
    this.#lanes = this.#lanes.filter(({ isGone }) => !isGone);
    for (const [rows, table] of this.#tables) {
      table.sweep();
      if (!table.isEmpty || this.#lanes.some(({ group }) => group.rows === rows)) continue;
      table.close();
      this.#tables.delete(rows);
    }
  }

  /** Windows to hold at once: one for each who is here, in powers of two, so that few have to wait for more room. */
  get #wantedRoom(): number {
    return Math.min(this.#mostRoom, 2 ** Math.ceil(Math.log2(Math.max(1, this.#admission.held))));
  }

  async #makeRoom(windows: number): Promise<void> {
    try {
      await this.#inference.reserveAudio?.(windows);
      this.#room = windows;
    } catch (error) {
      // There is no memory for so many, or no engine any more, which the next call finds out.
      this.#mostRoom = this.#room;
      if (!(error instanceof DeviceError)) this.#encodes.fail(error);
    }
  }

  async #openTable(rows: number): Promise<void> {
    const places = Math.min(this.#room, this.#mostPlaces);
    try {
      const shared = await this.#inference.shareRows?.(places, rows);
      if (!shared) throw new InternalError('this engine does not share rows');
      this.#tables.set(rows, new Table(shared));
    } catch (error) {
      if (error instanceof DeviceError && error.code === 'outOfMemory' && places > 1) {
        this.#mostPlaces = places >> 1;
        return;
      }
      for (const lane of this.#lanes) if (lane.group.rows === rows) lane.fail(error);
    }
  }

  #join(rows: number, table: Table): Promise<void> {
    const lanes = this.#lanes.filter(({ group }) => group.rows === rows).slice(0, table.freePlaces);
    this.#lanes = this.#lanes.filter((lane) => !lanes.includes(lane));
    return this.#using(rows, table, () => table.join(lanes));
  }

  async #using(rows: number, table: Table, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      table.fail(error);
      this.#tables.delete(rows);
    }
  }
}

/** A decoding that says when it is closed. */
function closing(decoding: Decoding, onClose: () => void): Decoding {
  let isClosed = false;
  return {
    rows: decoding.rows,
    noSpeechProb: decoding.noSpeechProb,
    candidates: (perRow, signal) => decoding.candidates(perRow, signal),
    advance: (tokens, sourceRows) => decoding.advance(tokens, sourceRows),
    logits: (begin, end) => decoding.logits(begin, end),
    close() {
      decoding.close();
      if (!isClosed) onClose();
      isClosed = true;
    },
  };
}
