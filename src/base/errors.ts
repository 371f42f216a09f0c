/**
 * Errors that sotto throws. Each has a stable `code` (all are listed in `codes.ts`), one sentence with the values found and
 * wanted, and, where there is something to do about it, a `hint`. Aborting throws the signal's own reason instead.
 */
import type { ErrorCode } from './codes.ts';

export interface ErrorDetails {
  /** What the user can do about it, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * Not generic in its codes: `instanceof` fills in a type parameter so that `code` would be unchecked. So each class below
 * states its own codes and takes no others.
 */
export class SottoError extends Error {
  override readonly name: string = 'SottoError';
  /** Stable word to switch on, e.g. `truncated`. */
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** A recording that cannot be opened, decoded or used. */
export class AudioError extends SottoError {
  override readonly name = 'AudioError';
  declare readonly code: ErrorCode<'AudioError'>;

  constructor(code: ErrorCode<'AudioError'>, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/** Weights, tokenizer or configuration that cannot be found, fetched, read or trusted. */
export class WeightsError extends SottoError {
  override readonly name = 'WeightsError';
  declare readonly code: ErrorCode<'WeightsError'>;

  constructor(code: ErrorCode<'WeightsError'>, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/** A GPU or CPU device that cannot be had, was lost, or refused work. */
export class DeviceError extends SottoError {
  override readonly name = 'DeviceError';
  declare readonly code: ErrorCode<'DeviceError'>;

  constructor(code: ErrorCode<'DeviceError'>, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/** Options that are unknown, contradict each other or are out of range. */
export class OptionsError extends SottoError {
  override readonly name = 'OptionsError';
  declare readonly code: ErrorCode<'OptionsError'>;

  constructor(code: ErrorCode<'OptionsError'>, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/** A file of results that cannot be written; of the command alone. */
export class OutputError extends SottoError {
  override readonly name = 'OutputError';
  declare readonly code: ErrorCode<'OutputError'>;

  constructor(code: ErrorCode<'OutputError'>, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/** A queue that cannot be used, or a job that cannot be done; of the command alone. */
export class QueueError extends SottoError {
  override readonly name = 'QueueError';
  declare readonly code: ErrorCode<'QueueError'>;

  constructor(code: ErrorCode<'QueueError'>, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/** A kernel called with shapes it does not take, or without a variant for this device. */
export class KernelError extends SottoError {
  override readonly name = 'KernelError';
  declare readonly code: ErrorCode<'KernelError'>;

  constructor(code: ErrorCode<'KernelError'>, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/** The model gave a number that cannot be: NaN or infinity in its logits. Never printed as text. */
export class NumericError extends SottoError {
  override readonly name = 'NumericError';
  declare readonly code: ErrorCode<'NumericError'>;

  constructor(code: ErrorCode<'NumericError'>, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/** A broken invariant of our own: please report it. */
export class InternalError extends SottoError {
  override readonly name = 'InternalError';
  declare readonly code: ErrorCode<'InternalError'>;

  constructor(message: string, details: ErrorDetails = {}) {
    super('internal', message, { hint: 'This is a fault in sotto: please report it.', ...details });
  }
}
