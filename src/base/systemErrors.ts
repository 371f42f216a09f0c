/** Errors of the operating system, as Node, Bun and Deno report them, in words. */
import { asError } from './asError.ts';

export interface SystemError extends Error {
  /** Its name in errno.h: `ENOSPC`. */
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
}

/** errno -> why something could not be done, as the end of a sentence. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EPERM: 'the system does not permit it',
  EROFS: 'its file system can only be read',
  ENOSPC: 'there is no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it is larger than a file may be there',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EISDIR: 'it is a folder',
  EEXIST: 'it already exists',
  ENOTEMPTY: 'the folder is not empty',
  ENAMETOOLONG: 'its name is too long',
  EINVAL: 'the system does not take it',
  ELOOP: 'its links lead in a circle',
  EBUSY: 'another program uses it',
  ETXTBSY: 'another program runs it',
  EXDEV: 'it is on another disk',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
  ENOMEM: 'there is not enough memory',
  EAGAIN: 'the system has no room for it now',
  EIO: 'the disk or line reports an error',
  ENODEV: 'there is no such device',
  ENXIO: 'there is no such device',
  ESTALE: 'the folder on the server is gone',
  EPIPE: 'nobody reads it any more',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was broken off',
  ETIMEDOUT: 'no answer came in time',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
};

const HINTS: Readonly<Record<string, string>> = {
  EMFILE: 'Raise the limit of open files (ulimit -n).',
  ENOMEM: 'Close other programs, or take a smaller model.',
};

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}

/** e.g. `there is no space left on the disk`; the own text of any other error, or of one whose code is not listed. */
export function systemReason(thrown: unknown): string {
  return (isSystemError(thrown) ? REASONS[thrown.code] : undefined) ?? asError(thrown).message;
}

/** What can be done, where that is the same whatever was tried. */
export function systemHint(error: SystemError): string | undefined {
  return HINTS[error.code];
}
