/** One window's cross-attention slot, as decoding holds it. */

import { InternalError } from '../../base/errors.ts';
import type { AudioFeatures } from '../../decode/inference.ts';

export class Features implements AudioFeatures {
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

/** The slot of features of ours that are still open. */
export function slotOf(audio: AudioFeatures): number {
  if (!(audio instanceof Features)) throw new InternalError('these audio features are from another engine');
  if (audio.closed) throw new InternalError('these audio features are closed');
  return audio.slot;
}
