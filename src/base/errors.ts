/**
 * Errors that sotto throws. Each has a stable `code`, one sentence with the values found and wanted, and,
 * where there is something to do about it, a `hint`. Aborting throws the signal's own reason instead.
 */

export interface ErrorDetails {
  /** What the user can do about it, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class SottoError extends Error {
  override readonly name: string = 'SottoError';
  /** Stable word to switch on, e.g. `truncated`. */
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** A recording that cannot be opened, decoded or used. */
export class AudioError extends SottoError {
  override readonly name = 'AudioError';
}

/** Weights, tokenizer or configuration that cannot be found, fetched, read or trusted. */
export class WeightsError extends SottoError {
  override readonly name = 'WeightsError';
}

/** A GPU or CPU device that cannot be had, was lost, or refused work. */
export class DeviceError extends SottoError {
  override readonly name = 'DeviceError';
}

/** Options that are unknown, contradict each other or are out of range. */
export class OptionsError extends SottoError {
  override readonly name = 'OptionsError';
}

/** A kernel called with shapes it does not take, or without a variant for this device. */
export class KernelError extends SottoError {
  override readonly name = 'KernelError';
}

/** The model gave a number that cannot be: NaN or infinity in its logits. Never printed as text. */
export class NumericError extends SottoError {
  override readonly name = 'NumericError';
}

/** A broken invariant of our own: please report it. */
export class InternalError extends SottoError {
  override readonly name = 'InternalError';
  constructor(message: string, details: ErrorDetails = {}) {
    super('internal', message, { hint: 'This is a fault in sotto: please report it.', ...details });
  }
}
