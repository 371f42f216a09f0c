/** Errors between processes. */
import {
  AudioError,
  DeviceError,
  InternalError,
  NumericError,
  OptionsError,
  OutputError,
  SottoError,
  WeightsError,
} from './errors.ts';

export interface ErrorData {
  /** Of its class; empty for one that is not ours. */
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly stack?: string;
}

const CLASSES = { AudioError, DeviceError, NumericError, OptionsError, OutputError, SottoError, WeightsError };

export function errorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) return { name: '', code: '', message: String(error) };
  const { message, stack } = error;
  const shared = { message, ...(stack !== undefined && { stack }) };
  if (!(error instanceof SottoError)) return { name: '', code: '', ...shared };
  return { name: error.name, code: error.code, ...shared, ...(error.hint !== undefined && { hint: error.hint }) };
}

export function errorOf({ name, code, message, hint, stack }: ErrorData): Error {
  const details = hint === undefined ? {} : { hint };
  if (!Object.hasOwn(CLASSES, name)) return new InternalError(stack ?? message, details);
  const Class = CLASSES[name as keyof typeof CLASSES] as new (code: string, message: string, details: object) => Error;
  return new Class(code, message, details);
}
