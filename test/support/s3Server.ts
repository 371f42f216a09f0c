/** An S3 server of somebody else's (s3rver) on this machine, and faults in its way: an own server in front of it. */
import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repoRoot } from './paths.ts';

export interface S3Server {
  /** The environment that its clients want. */
  readonly environment: Readonly<Record<string, string>>;
  /** Every request that came, as `GET /bucket/key?query`. */
  readonly requests: string[];
  /** Called with each request: true if it has answered by itself. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Called with each answer of the server to be passed on: false to break the connection off after so many bytes. */
  cutAfter: ((request: IncomingMessage) => number | undefined) | undefined;
  close(): Promise<void>;
}

export const s3rverFolder: string = join(repoRoot, 'test/runtimes/node_modules/s3rver');

/** With empty buckets; undefined, with a line that says so, where the package is not there. */
export async function s3ServerOrSkip(buckets: readonly string[], what: string): Promise<S3Server | undefined> {
  if (!existsSync(s3rverFolder)) {
    console.log(`skipped ${what}: no s3rver (npm ci --prefix test/runtimes --ignore-scripts)`);
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'sotto-s3-'));
  const child = fork(fileURLToPath(new URL('s3rverChild.js', import.meta.url)), [folder, ...buckets], {
    execArgv: ['--openssl-legacy-provider'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(Number(message)));
    child.once('exit', (status) => reject(new Error(`s3rver ended with ${status}`)));
  });
  const requests: string[] = [];
  const front = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (server.intercept?.(request, response)) return;
    const { method, url: path, headers } = request;
    const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      const limit = server.cutAfter?.(request);
      if (limit === undefined) {
        answer.pipe(response);
        return;
      }
      let sent = 0;
      answer.on('data', (bytes: Buffer) => {
        const part = bytes.subarray(0, limit - sent);
        sent += part.length;
        response.write(part, () => {
          if (sent === limit) response.destroy();
        });
      });
      answer.on('end', () => response.end());
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const { port: frontPort } = front.address() as AddressInfo; // listening on a port, not a pipe
  const server: S3Server = {
    environment: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${frontPort}`,
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
      AWS_REGION: 'us-east-1',
    },
    requests,
    intercept: undefined,
    cutAfter: undefined,
    async close() {
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
  return server;
}
