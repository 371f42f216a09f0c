/** What long actions tell while they run. */
import type { WarningCode } from './codes.ts';

export interface Progress {
  readonly stage: 'fetch' | 'convert' | 'load' | 'compile' | 'audio' | 'transcribe';
  readonly done: number;
  readonly total: number;
  readonly unit: 'bytes' | 'tensors' | 'kernels' | 'seconds';
  /**
   * Of `transcribe`: how far the work on the next windows has got, an estimate; `done` are the seconds whose text is there.
   * For a bar that moves: a window may take half a minute.
   */
  readonly reached?: number;
  /** What is being worked on, e.g. a file name. */
  readonly item?: string;
}

export interface Warning {
  /** Stable word to switch on, e.g. `gpuUnavailable`; all are listed in `codes.ts`. */
  readonly code: WarningCode;
  readonly message: string;
}

/** Taken by everything that may be long: stops at `signal`, reports its progress. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}
