/**
 * Is the server of this container well? What the image's HEALTHCHECK runs; exit status 0 for yes.
 *
 * The arguments of the container's first process say where the server listens. A container that transcribes files has none,
 * and is well as long as it runs.
 */
import { readFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

const DEFAULT_PORT = '8000';
const LIMIT_MS = 4000;

function valueAfter(option: string, args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === option || arg.startsWith(`${option}=`));
  if (at < 0) return undefined;
  return args[at] === option ? args[at + 1] : args[at]?.slice(option.length + 1);
}

const args = readFileSync('/proc/1/cmdline', 'utf8').split('\0');
const serve = args.indexOf('serve');
if (serve >= 0) {
  const given = args.slice(serve);
  const listening = { host: '127.0.0.1', port: valueAfter('--port', given) ?? DEFAULT_PORT, path: '/health' };
  const isTls = valueAfter('--tls_cert', given) !== undefined;
  // Asked by its address, so the certificate's name cannot fit.
  const request = isTls ? requestHttps({ ...listening, rejectUnauthorized: false }) : requestHttp(listening);
  request.setTimeout(LIMIT_MS, () => request.destroy(new Error('no answer')));
  request.on('error', () => process.exit(1));
  request.on('response', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1));
  request.end();
}
