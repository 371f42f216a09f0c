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
  /** Aborts at Ctrl-C, and when the process is told to end. */
  readonly signal: AbortSignal;
  /** Aborts when stdout takes no more: its reader is gone (`| head`), or its disk is full. */
  readonly stdoutClosed: AbortSignal;
  /** Milliseconds that the work has to end after `signal`; a second signal does not wait for them. */
  readonly allowGrace: (ms: number) => void;
}

/** Exit statuses, as `sotto --help` explains them. After a signal: 128 and its number, as shells have it. */
export const EXIT = { ok: 0, failed: 1, usage: 2, hangup: 129, interrupted: 130, terminated: 143 } as const;
