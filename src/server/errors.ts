/**
 * Errors as OpenAI's API reports them: a status and `{"error": {"message", "type", "param", "code"}}`. Never a stack, never
 * a path of this machine.
 *
 * @see https://platform.openai.com/docs/guides/error-codes
 */
import { asError } from '../base/asError.ts';
import {
  AudioError,
  DeviceError,
  InternalError,
  NumericError,
  OptionsError,
  SottoError,
  WeightsError,
} from '../base/errors.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';

export interface ApiErrorDetails {
  /** The field of the form that is wrong. */
  readonly param?: string | undefined;
  readonly code?: string | undefined;
  /** Seconds after which it is worth while to ask again. */
  readonly retryAfter?: number | undefined;
}

type Kind = 'invalid_request_error' | 'authentication_error' | 'rate_limit_error' | 'server_error';

/** What `error` is in the body of an answer. */
export interface ErrorBody {
  readonly message: string;
  readonly type: Kind;
  readonly param: string | null;
  readonly code: string | null;
}

/** Thrown wherever a request is refused or fails. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly param: string | undefined;
  readonly code: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, { param, code, retryAfter }: ApiErrorDetails = {}) {
    super(message);
    this.status = status;
    this.param = param;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  get body(): ErrorBody {
    return { message: this.message, type: kindOf(this.status), param: this.param ?? null, code: this.code ?? null };
  }
}

/** Nobody is there any more to be answered: the reason of an abort, never sent. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';

  constructor() {
    super('The client closed its connection.');
  }
}

function kindOf(status: number): Kind {
  if (status === 401 || status === 403) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/**
 * What a client is told of an error of the library: what is wrong with its recording or its options is its own to mend,
 * everything else is the server's.
 *
 * @param recording path of the recording here, in place of which its name is shown, and that name
 */
export function toApiError(thrown: unknown, recording?: { readonly path: string; readonly name: string }): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof AudioError && thrown.code !== 'file') {
    return new ApiError(400, sentences(thrown, recording), { param: 'file', code: thrown.code });
  }
  if (thrown instanceof OptionsError) return new ApiError(400, sentences(thrown), { code: thrown.code });
  if (thrown instanceof NumericError) {
    return new ApiError(500, sentences(thrown), { code: thrown.code });
  }
  if (thrown instanceof DeviceError || (thrown instanceof SottoError && thrown.code === 'closed')) {
    return new ApiError(503, `The model stopped while it worked on this: ${thrown.message}`, {
      code: 'model_unavailable',
      retryAfter: 1,
    });
  }
  if (thrown instanceof WeightsError) {
    return new ApiError(503, `The model cannot be loaded (${thrown.code}); the log of the server says why.`, {
      code: 'model_unavailable',
    });
  }
  if (isSystemError(thrown) || thrown instanceof AudioError) {
    const cause = thrown instanceof AudioError ? thrown.cause : thrown;
    return new ApiError(503, `The server cannot keep the recording: ${systemReason(cause)}.`, { code: 'no_room' });
  }
  return new ApiError(500, 'The server failed on this request; its log says more.', { code: 'internal' });
}

/** What is the client's is no news to who runs the server. @returns lines for the log; undefined for what is expected */
export function logged(thrown: unknown): string | undefined {
  if (thrown instanceof ApiError || thrown instanceof OptionsError || thrown instanceof ClientGone) return undefined;
  if (thrown instanceof AudioError && thrown.code !== 'file') return undefined;
  const error = asError(thrown);
  const isKnown = error instanceof SottoError && !(error instanceof InternalError);
  const hint = error instanceof SottoError && error.hint !== undefined ? ` ${error.hint}` : '';
  return isKnown || isSystemError(error) ? `${error.message}${hint}` : (error.stack ?? error.message);
}

function sentences(error: SottoError, recording?: { readonly path: string; readonly name: string }): string {
  const { message, hint } = error;
  const text = hint === undefined ? message : `${message} ${hint}`;
  return recording ? text.replaceAll(recording.path, recording.name) : text;
}
