/**
 * An engine that outlives its GPU: what was asked of it when the device was lost is asked of the next one, and gives what it would
 * have given. That can be, since a window's text is a function of its sound and of the tokens before it, which are kept here; so
 * neither decoding nor the loop over windows know of a loss.
 */
import { InternalError } from '../base/errors.ts';
import type {
  AlignRequest,
  AudioFeatures,
  BeamsResult,
  Decoding,
  GreedyResult,
  Inference,
  OnHead,
  SharedRows,
} from '../decode/inference.ts';
import type { ModelDimensions } from '../model/dims.ts';
import type { ModelInference } from '../model/inference.ts';
import type { ChosenStorage } from '../model/storage.ts';
import type { Engines } from './engines.ts';
import { startLasting } from './lastingDecoding.ts';
import { groupsOn, LastingFeatures, lastingFeatures } from './lastingFeatures.ts';
import { shareLasting } from './lastingRows.ts';

export class LastingInference implements ModelInference {
  readonly dims: ModelDimensions;
  readonly #engines: Engines;

  constructor(engines: Engines) {
    this.#engines = engines;
    this.dims = this.#inference.dims;
  }

  get #inference(): ModelInference {
    return this.#engines.current.inference;
  }

  get weightBytes(): number {
    return this.#inference.weightBytes;
  }
  get storage(): ChosenStorage {
    return this.#inference.storage;
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
  get maxRows(): number {
    return this.#inference.maxRows;
  }

  async encode(mel: Float32Array, signal?: AbortSignal, onPart?: (share: number) => void): Promise<AudioFeatures> {
    // The caller may use its array again.
    const kept = mel.slice();
    return this.#engines.run(
      signal,
      async (engine) => new LastingFeatures(kept, engine, await engine.encode(kept, signal, onPart)),
    );
  }

  reserveAudio(count: number, signal?: AbortSignal): Promise<void> {
    return this.#engines.reserveAudio(count, signal);
  }

  greedy(...[groups, rules, limit, signal, onStep]: Parameters<Inference['greedy']>): Promise<GreedyResult> {
    return this.#engines.run(signal, async (engine) =>
      engine.greedy(await groupsOn(engine, groups, signal), rules, limit, signal, onStep),
    );
  }

  beams(
    ...[groups, rules, end, signal, onStep]: Parameters<ModelInference['beams']>
  ): Promise<BeamsResult | undefined> {
    return this.#engines.run(signal, async (engine) =>
      engine.beams(await groupsOn(engine, groups, signal), rules, end, signal, onStep),
    );
  }

  start(...[groups, rules, signal]: Parameters<Inference['start']>): Promise<Decoding> {
    return startLasting(this.#engines, groups, rules, signal);
  }

  shareRows(places: number, rowsEach: number): Promise<SharedRows> {
    return shareLasting(this.#engines, places, rowsEach);
  }

  async align(request: AlignRequest, onHead: OnHead, signal?: AbortSignal): Promise<Float32Array> {
    let told = 0;
    return this.#engines.run(signal, async (engine) => {
      let head = 0;
      const audio = await lastingFeatures(request.audio).on(engine, signal);
      // Heads come in their order: those of the engine before are not told again.
      const onNext: OnHead = (...found) => {
        if (head++ < told) return;
        told++;
        onHead(...found);
      };
      if (!engine.align) throw new InternalError('the engine has no alignment heads');
      return engine.align({ ...request, audio }, onNext, signal);
    });
  }

  encoderOutput(): Promise<Float32Array> {
    return this.#inference.encoderOutput();
  }

  teacherForced(audio: AudioFeatures, tokens: readonly number[]): Promise<Float32Array> {
    return this.#engines.run(undefined, async (engine) =>
      engine.teacherForced(await lastingFeatures(audio).on(engine), tokens),
    );
  }
}
