/** Errors for what a server answered in place of a file: sentences that a page loads when it needs one. */
import { WeightsError } from '../base/errors.ts';
import type { HttpResponse } from '../base/http.ts';

/** @returns of the code `webPage` for an answer that succeeded */
export function answerError(url: string, { status, url: from }: Pick<HttpResponse, 'status' | 'url'>): WeightsError {
  if (status !== 200 && status !== 206) return statusError(url, status);
  const host = /^https?:\/\/([^/]+)/.exec(from)?.[1] ?? from;
  const whence = from === url ? '' : ` (from ${host})`;
  return new WeightsError('webPage', `${url} is a web page, not a file of a model${whence}.`, {
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
