/** How the command reports an error. */
import { SottoError } from '../base/errors.ts';

/**
 * One sentence and the hint for errors of ours; the stack for everything else, which is a fault to report.
 *
 * @param where what was being worked on, e.g. a file
 */
export function errorText(error: unknown, where?: string): string {
  const front = where === undefined ? 'sotto: ' : `sotto: ${where}: `;
  if (!(error instanceof SottoError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${front}${text}`;
  }
  const lines = [`${front}${error.message}`];
  if (error.hint) lines.push(`  ${error.hint}`);
  // The sentence of what lies below, when it is not part of ours already.
  if (error.cause instanceof Error && !error.message.includes(error.cause.message)) {
    lines.push(`  Cause: ${error.cause.message}`);
  }
  return lines.join('\n');
}
