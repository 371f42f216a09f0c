/** What a command sees of the process. */
import type { ProgressStream } from './progress.ts';

/** Bytes from a pipe, a file or a terminal. */
export interface InputStream extends AsyncIterable<Uint8Array> {
  readonly isTTY?: boolean | undefined;
  /** Releases it: an open input keeps the process alive. */
  destroy(): unknown;
}

export interface CommandIo {
  /** Opened by who reads it. */
  readonly stdin: () => InputStream;
  /** Results, and nothing else. */
  readonly stdout: ProgressStream;
  /** Progress, warnings, errors. */
  readonly stderr: ProgressStream;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Exit statuses, as `sotto --help` explains them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;
