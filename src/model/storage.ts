/** How a model's weights and caches are stored, and the bytes that it needs then. */
import { type CacheType, storageBytes, type WeightType } from '../engine/dtype.ts';
import type { ModelDimensions } from './dims.ts';

export interface Storage {
  /** Of the weight matrices; absent: each as its file has it. */
  readonly dtype?: WeightType | undefined;
  /** Of the keys and values of attention. */
  readonly cacheDtype: CacheType;
}

export interface StorageWishes {
  readonly dims: ModelDimensions;
  /** How the file has a tensor. */
  readonly dtypeOf: (name: string) => WeightType;
  /** Asked for; absent: as it fits, best first. */
  readonly dtype?: WeightType | undefined;
  readonly cacheDtype?: CacheType | undefined;
  /** Bytes that there are; absent: not known, and not looked at. */
  readonly room?: number | undefined;
}

export interface ChosenStorage extends Storage {
  /** Why it is not what was asked for, or what the file has; absent: it is. */
  readonly reason?: string | undefined;
}

/** Recordings that are decoded at once unless another number is asked for, and the bytes that their caches may take. */
const RECORDINGS = 8;
const RECORDINGS_BYTES = 2 ** 30;

/** As many as have room for their caches, each with five beams. */
export function recordingsWithin(dims: ModelDimensions, cacheDtype: CacheType): number {
  const { nAudioCtx, nTextCtx, nTextLayer, nTextState } = dims;
  const each = 2 * nTextLayer * storageBytes(cacheDtype, [nAudioCtx + (ROWS - 1) * nTextCtx, nTextState]);
  return Math.max(1, Math.min(RECORDINGS, Math.floor(RECORDINGS_BYTES / each)));
}

/** Rows that decode at once unless more are asked for: five beams, and one. */
const ROWS = 6;
/** Positions of the encoder's tensors besides what it computes with, in vectors of nAudioState f32. */
const ENCODER_VECTORS = 14;

/**
 * Bytes that a model needs with its caches and what it computes with, for one window and five beams. Somewhat more than it
 * takes: panels are filled up, threads have scratch.
 */
export function bytesNeeded(dims: ModelDimensions, weights: number, cacheDtype: CacheType): number {
  const { nAudioCtx, nAudioState, nTextCtx, nTextLayer, nTextState, nVocab } = dims;
  const positions = nAudioCtx + ROWS * nTextCtx;
  const caches = 2 * nTextLayer * storageBytes(cacheDtype, [positions, nTextState]);
  const encoder = 4 * ENCODER_VECTORS * nAudioCtx * nAudioState;
  return weights + caches + encoder + 4 * ROWS * nVocab + 2 ** 24;
}
