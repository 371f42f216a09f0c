/** How the command reports an error. */
import { InternalError, OutputError, SottoError } from '../base/errors.ts';
import { isSystemError, type SystemError, systemHint, systemReason } from '../base/systemErrors.ts';
import { printable, printableLines } from './printable.ts';
import { manifest } from './version.ts';

/**
 * One sentence and the hint for errors of ours and of the operating system; the stack for everything else, which is a
 * fault of ours to report.
 *
 * @param where what was being worked on, e.g. a file
 */
export function errorText(error: unknown, where?: string): string {
  const text = linesOf(error).join('\n');
  if (!where) return `sotto: ${printableLines(text)}`;
  // A line break of its name is not one of the sentence.
  const name = printable(where);
  return `sotto: ${name}: ${printableLines(text.replaceAll(where, () => name))}`;
}

function linesOf(error: unknown): readonly string[] {
  if (error instanceof InternalError) return faultLines(error);
  if (error instanceof SottoError) {
    const { message, hint } = error;
    return [message, ...(hint ? [`  ${hint}`] : []), ...causeLines(error)];
  }
  if (isSystemError(error)) {
    const hint = systemHint(error);
    return [systemSentence(error), ...(hint ? [`  ${hint}`] : [])];
  }
  // Deno's words for a permission that it was not given.
  if (error instanceof Error && (error.name === 'NotCapable' || error.name === 'PermissionDenied')) {
    return [`Deno forbids it: ${error.message}.`];
  }
  if (isOutOfMemory(error)) {
    return [
      'There is not enough memory.',
      '  Close other programs, or take a smaller model, a smaller --batch_size or a shorter recording.',
    ];
  }
  return faultLines(error);
}

/** The sentence of what lies below, when it is not part of ours already. */
function causeLines(error: SottoError): readonly string[] {
  const { message, cause } = error;
  if (!(cause instanceof Error) || message.includes(cause.message)) return [];
  // Whose sentences say it in words.
  if (error instanceof OutputError || error.code === 'notFound') return [];
  if (isSystemError(cause) && message.includes(systemReason(cause))) return [];
  return [`  Cause: ${cause.message}`];
}

function systemSentence(error: SystemError): string {
  if (error.syscall === 'uv_cwd') return 'The working folder is gone: change to another one.';
  const what = error.path ?? error.syscall;
  return `${what}: ${systemReason(error)} (${error.code}).`;
}

/** V8's words for memory that was asked for and not given. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof RangeError && /allocation failed|invalid array buffer length/i.test(error.message);
}

function faultLines(error: unknown): readonly string[] {
  const { version, bugs } = manifest();
  const where = bugs?.url === undefined ? '' : ` at ${bugs.url}`;
  return [
    error instanceof Error ? (error.stack ?? error.message) : String(error),
    `  This is a fault in sotto: please report it${where}, with these lines (sotto ${version}, ${runtime()}).`,
  ];
}

function runtime(): string {
  const { versions, platform, arch } = process;
  const name = versions.bun ? `Bun ${versions.bun}` : versions.deno ? `Deno ${versions.deno}` : `Node ${versions.node}`;
  return `${name}, ${platform} ${arch}`;
}
