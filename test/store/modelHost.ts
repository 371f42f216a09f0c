/** A host of one model's files on localhost that can cut, damage, refuse ranges, or be gone. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendFile, serve } from '../support/httpServer.ts';

export interface ModelHost {
  /** Of the folder, with a slash at its end. */
  readonly url: string;
  readonly files: Map<string, Uint8Array>;
  /** `METHOD file range`, of answers with a body. */
  readonly requests: string[];
  /** Bytes of bodies that were sent. */
  sent: number;
  hasRanges: boolean;
  /** Tells versions. */
  hasEtag: boolean;
  /** Every connection breaks when so many bytes were sent in all. */
  cutAfter: number;
  /** With more than that, connections stay open and nothing more comes. */
  holdAfter: number;
  /** Changes bytes on their way. */
  damage: ((file: string, bytes: Uint8Array) => Uint8Array) | undefined;
  /** What the hub says in place of files. */
  api: unknown;
  isGone: boolean;
  /** Breaks every connection, and is gone. */
  cut(): void;
  close(): Promise<void>;
}

export async function serveModel(files: Readonly<Record<string, Uint8Array>>): Promise<ModelHost> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (host.isGone) return void response.destroy();
    if (pathname.startsWith('/api/')) return void response.end(JSON.stringify(host.api ?? {}));
    const name = pathname.slice(pathname.lastIndexOf('/') + 1);
    const bytes = host.files.get(name);
    if (!bytes) return void response.writeHead(404).end();
    const { range } = request.headers;
    if (request.method === 'GET') host.requests.push(`${name} ${range ?? 'whole'}`);
    if (!host.hasRanges) delete request.headers.range;
    const etag = `"${createHash('sha1').update(bytes).digest('hex')}"`;
    const sentBytes = host.damage?.(name, bytes) ?? bytes;
    limited(response);
    sendFile(request, response, sentBytes, host.hasEtag ? { etag } : {});
  };
  /** Counts what is sent, and breaks the connection where it is to be cut. */
  const limited = (response: ServerResponse): void => {
    const end = response.end.bind(response);
    response.end = ((body?: Uint8Array) => {
      if (!body) return end();
      const left = Math.max(0, host.cutAfter - host.sent);
      const held = Math.max(0, host.holdAfter - host.sent);
      host.sent += Math.min(left, held, body.length);
      if (body.length > held) return response.write(body.subarray(0, held));
      if (body.length <= left) return end(body);
      response.write(body.subarray(0, left), () => response.destroy());
      return response;
    }) as typeof response.end; // as it is called here and by `sendFile`
  };
  const open = new Set<ServerResponse>();
  const server = await serve((request, response) => {
    open.add(response.on('close', () => open.delete(response)));
    answer(request, response);
  });
  const host: ModelHost = {
    url: `${server.url}model/`,
    files: new Map(Object.entries(files)),
    requests: [],
    sent: 0,
    hasRanges: true,
    hasEtag: true,
    cutAfter: Number.POSITIVE_INFINITY,
    holdAfter: Number.POSITIVE_INFINITY,
    damage: undefined,
    api: undefined,
    isGone: false,
    cut() {
      host.isGone = true;
      for (const response of open) response.destroy();
    },
    close: () => server.close(),
  };
  return host;
}
