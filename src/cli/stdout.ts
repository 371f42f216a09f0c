/**
 * Standard output that may be closed while the command runs. `sotto a.mp3 b.mp3 | head -1` reads one line; the files are
 * written all the same. What stops a command whose only result is the output is `closed`.
 */
import { isSystemError, type SystemError } from '../base/systemErrors.ts';
import type { ProgressStream } from './progress.ts';

export interface Stdout {
  readonly stream: ProgressStream;
  /** Aborts with the system's error when no more can be written. */
  readonly closed: AbortSignal;
}

/** @param onFailure called once if it cannot be written for another reason than that nobody reads it */
export function watchedStdout(stdout: NodeJS.WriteStream, onFailure: (error: SystemError) => void): Stdout {
  const controller = new AbortController();
  const { signal: closed } = controller;
  stdout.on('error', (error) => {
    if (closed.aborted) return;
    controller.abort(error);
    if (isSystemError(error) && error.code !== 'EPIPE') onFailure(error);
  });
  return {
    stream: {
      get isTTY() {
        return stdout.isTTY;
      },
      get columns() {
        return stdout.columns;
      },
      write: (text) => closed.aborted || stdout.write(text),
    },
    closed,
  };
}
