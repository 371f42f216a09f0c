/** What servers of weights answer, as errors of ours. */
import { WeightsError } from '../base/errors.ts';
import { type Failure, type FetchOptions, type HttpResponse, request } from '../base/http.ts';

/** @throws {WeightsError} `network`; the signal's reason */
export function requestWeights(url: string, options: FetchOptions = {}): Promise<HttpResponse> {
  const fail: Failure = (why, details) => new WeightsError('network', `${url} could not be fetched: ${why}.`, details);
  return request(url, options, fail);
}

/**
 * Takes an answer that is a file.
 * @throws {WeightsError} `notFound`, `forbidden`, `network` by its status; `webPage` for HTML, which no file of a model is:
 *   a network's login page, or what a server sends for every address that it does not know
 */
export function checkAnswer(url: string, { status, headers, url: from, cancel }: HttpResponse): void {
  const isHtml = /^\s*text\/html\b/i.test(headers.get('content-type') ?? '');
  if ((status === 200 || status === 206) && !isHtml) return;
  cancel();
  if (status !== 200 && status !== 206) throw statusError(url, status);
  const host = /^https?:\/\/([^/]+)/.exec(from)?.[1] ?? from;
  const whence = from === url ? '' : ` (from ${host})`;
  throw new WeightsError('webPage', `${url} is a web page, not a file of a model${whence}.`, {
    hint: 'The login page of a network or a proxy may have answered: open the address in a browser. Or the address is wrong.',
  });
}

/** The error for an HTTP status other than success. */
export function statusError(url: string, status: number): WeightsError {
  const [code, message, hint] = describeStatus(status);
  return new WeightsError(code, `${url} ${message} (${status}).`, hint === undefined ? {} : { hint });
}

function describeStatus(status: number): readonly ['notFound' | 'forbidden' | 'network', string, string?] {
  switch (status) {
    case 404:
    case 410:
      return ['notFound', 'does not exist'];
    case 401:
      return [
        'forbidden',
        'may not be read without a token, or does not exist',
        'Is the name right? A private or gated model needs an access token (HF_TOKEN).',
      ];
    case 403:
      return [
        'forbidden',
        'may not be read',
        'A private or gated model needs an access token (HF_TOKEN), and that its terms are accepted on its page.',
      ];
    case 407:
      return ['network', 'is behind a proxy that asks for a password', 'HTTPS_PROXY=http://user:password@host:port'];
    case 429:
      return ['network', 'is not given now: too many requests came from here', 'Wait some minutes and try again.'];
    default:
      return status >= 500
        ? ['network', 'is not given: the server has a fault', 'Try again later, or set HF_ENDPOINT to a mirror.']
        : ['network', 'is not given'];
  }
}
