/** A window's sound that can be encoded again: on each engine that it is asked of. */
import { InternalError } from '../base/errors.ts';
import type { AudioFeatures, DecodeGroup, Inference } from '../decode/inference.ts';

export class LastingFeatures implements AudioFeatures {
  readonly #mel: Float32Array;
  #engine: Inference;
  #features: AudioFeatures;
  #isClosed = false;

  /** @param mel what `features` were made of by `engine`; kept */
  constructor(mel: Float32Array, engine: Inference, features: AudioFeatures) {
    this.#mel = mel;
    this.#engine = engine;
    this.#features = features;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The features as an engine knows them. */
  async on(engine: Inference, signal?: AbortSignal): Promise<AudioFeatures> {
    if (engine !== this.#engine) {
      const features = await engine.encode(this.#mel, signal);
      // Closed meanwhile, or encoded for somebody else: nobody would give its place in the engine's cache back.
      if (this.#isClosed || this.#engine === engine) features.close();
      if (this.#engine !== engine) {
        this.#engine = engine;
        this.#features = features;
      }
    }
    return this.#features;
  }

  close(): void {
    this.#isClosed = true;
    this.#features.close();
  }
}

export function lastingFeatures(audio: AudioFeatures): LastingFeatures {
  if (audio instanceof LastingFeatures) return audio;
  throw new InternalError('the window was encoded by another engine');
}

/** Groups as an engine knows them. */
export async function groupsOn(
  engine: Inference,
  groups: readonly DecodeGroup[],
  signal?: AbortSignal,
): Promise<DecodeGroup[]> {
  const placed: DecodeGroup[] = [];
  for (const group of groups) placed.push({ ...group, audio: await lastingFeatures(group.audio).on(engine, signal) });
  return placed;
}
