/** A request byte by byte: what well-behaved clients do not send. */
import { once } from 'node:events';
import { request } from 'node:http';

export interface RawAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface RawOptions {
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly signal?: AbortSignal;
  /** Ends the connection after the body in place of waiting for an answer. */
  readonly breaksOff?: boolean;
}

export const BOUNDARY = 'x-boundary-of-tests';

export async function rawPost(
  url: string,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { headers = {}, signal, breaksOff = false }: RawOptions = {},
): Promise<RawAnswer> {
  const sent = request(url, {
    method: 'POST',
    // A connection of its own: a body that is left unfinished would swallow the next request.
    agent: false,
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...headers },
    ...(signal && { signal }),
  });
  const answer = new Promise<RawAnswer>((resolve) => {
    sent.on('error', () => resolve({ status: 0, body: '', headers: {} }));
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      const end = (): void => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers });
      response.on('end', end);
      response.on('close', end);
    });
  });
  let isAnswered = false;
  void answer.then(() => {
    isAnswered = true;
  });
  for await (const piece of body) {
    if (isAnswered || sent.destroyed) break;
    if (sent.write(piece)) continue;
    const waiting = new AbortController();
    const drained = once(sent, 'drain', { signal: waiting.signal }).catch(() => {});
    await Promise.race([drained, answer]);
    waiting.abort();
  }
  if (breaksOff) sent.destroy();
  else sent.end();
  return answer;
}

/** A part with a file. */
export function filePart(bytes: Uint8Array, name = 'file'): Buffer {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"; filename="talk.wav"\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n')]);
}

export function fieldPart(name: string, value: string): Buffer {
  return Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
}

export const END: Buffer = Buffer.from(`--${BOUNDARY}--\r\n`);
