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
export async function checkAnswer(url: string, response: HttpResponse): Promise<void> {
  const { status, headers, cancel } = response;
  const isHtml = /^\s*text\/html\b/i.test(headers.get('content-type') ?? '');
  if ((status === 200 || status === 206) && !isHtml) return;
  cancel();
  // The usual one: some files are looked for that a model may lack.
  if (status === 404) throw new WeightsError('notFound', `${url} does not exist (404).`);
  throw (await import('./answerError.ts')).answerError(url, response);
}
