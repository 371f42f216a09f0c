/** What a command sees of the process. */
import type { ProgressStream } from './progress.js';

export interface CommandIo {
  /** Results, and nothing else. */
  readonly stdout: ProgressStream;
  /** Progress, warnings, errors. */
  readonly stderr: ProgressStream;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Exit statuses, as `sotto --help` explains them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;
