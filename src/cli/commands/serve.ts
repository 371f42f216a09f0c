/** `sotto serve`: a server for clients of OpenAI's transcription API. */
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { basename, join, resolve as resolvePath } from 'node:path';
import { createSecureContext } from 'node:tls';
import { cacheOf } from '../../../weights/cache.ts';
import { asError } from '../../base/asError.ts';
import { OptionsError } from '../../base/errors.ts';
import type { Warning } from '../../base/progress.ts';
import { untilAborted } from '../../base/signals.ts';
import { systemReason } from '../../base/systemErrors.ts';
import { load } from '../../load.node.ts';
import { pick, resolve } from '../../options/resolve.ts';
import type { Place, ResolvedOptions } from '../../options/spec.ts';
import { readOptions, writtenOptions } from '../../options/text.ts';
import { environment } from '../../runtime/environment.ts';
import { openSound } from '../../runtime/nodeAudio.ts';
import { authOf } from '../../server/auth.ts';
import { Models } from '../../server/models.ts';
import { SERVER_OPTIONS } from '../../server/options.ts';
import { Queue } from '../../server/queue.ts';
import { startServer } from '../../server/server.ts';
import { openSpool } from '../../server/spool.ts';
import { parseArguments } from '../args.ts';
import { optionLines } from '../help.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { modelLine } from '../modelLine.ts';
import { COMMAND_OPTIONS } from '../options.ts';
import { hostPlatform } from '../platform.ts';
import { printableLines } from '../printable.ts';
import { ProgressDisplay } from '../progress.ts';
import { DEFAULT_OPTIONS, optionReader } from '../requestOptions.ts';

type Own = ResolvedOptions<typeof SERVER_OPTIONS, 'command'>;

/** Of the command's options those of the device and the model's folder. */
const LOAD_PLACES = ['load'] as const satisfies readonly Place[];
const HEAD = `sotto serve: a server for clients of OpenAI's transcription API.

Usage:  sotto serve [options]

Examples:
  sotto serve -m base                     on this machine, at http://127.0.0.1:8000/v1
  sotto serve -m turbo,base.en            two models; requests say which ("model")
  SOTTO_API_KEY=secret sotto serve --host 0.0.0.0 --port 8080    for other machines, with a key
  sotto serve -m base --beam_size 1 --vad True    what every request has that does not say otherwise

Then, with the key if there is one:
  curl http://127.0.0.1:8000/v1/audio/transcriptions -F file=@talk.mp3 -F response_format=srt
  new OpenAI({ baseURL: 'http://127.0.0.1:8000/v1', apiKey: 'secret' })

POST /v1/audio/transcriptions, POST /v1/audio/translations, GET /v1/models, /v1/jobs, /health, /ready, /metrics,
and /v1/realtime as a WebSocket. A request may have OpenAI's parameters and every option of "sotto AUDIO" that is
about what is said, decoding or words, under its name here: -F beam_size=1. The text is that of the command, to
the byte. docs/server.md says what happens on each failure.
`;

export async function serveCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const own = writtenOptions(SERVER_OPTIONS, ['command']);
  const shared = [...writtenOptions(COMMAND_OPTIONS, LOAD_PLACES), ...DEFAULT_OPTIONS];
  const { files, values, help } = parseArguments(argv, [...own, ...shared]);
  if (help) {
    const columns = Math.max(30, Math.min(io.stdout.columns ?? 80, 110));
    io.stdout.write([HEAD.trimEnd(), ...optionLines([...own, ...shared], columns), '', ''].join('\n'));
    return EXIT.ok;
  }
  if (files.length > 0) {
    throw new OptionsError('serveArguments', `serve takes no file, and was given ${files[0]}.`, {
      hint: 'Recordings are sent to it: sotto serve --help shows how.',
    });
  }
  const settings = resolve(SERVER_OPTIONS, 'command', readOptions(SERVER_OPTIONS, ['command'], values, '--'));
  const loadOptions = pick(COMMAND_OPTIONS, 'load', readOptions(COMMAND_OPTIONS, LOAD_PLACES, values, '--'));
  const reader = optionReader(values);
  const places = modelPlaces(settings.model);
  const [first, ...more] = places.keys();
  if (first === undefined)
    throw new OptionsError('badValue', '--model names no model.', { hint: 'For example: -m base' });
  const auth = authOf(keysOf(settings));
  checkAddress(settings, auth.isRequired);
  const tls = tlsOf(settings);

  const display = new ProgressDisplay(io.stderr);
  const log = (line: string): void => {
    display.clear();
    io.stderr.write(`${new Date().toISOString()} ${printableLines(line)}\n`);
  };
  const onWarning = ({ message }: Warning): void => log(message);
  const models = new Models({
    names: [first, ...more],
    idleMs: settings.keepLoaded === 0 ? Number.POSITIVE_INFINITY : 1000 * settings.keepLoaded,
    async load(name, signal) {
      const whisper = await load(places.get(name) ?? name, {
        // As many as are asked for, unless that is said otherwise.
        ...(values.has('parallel') && { recordingsAtOnce: settings.parallel }),
        ...loadOptions,
        signal,
        platform: hostPlatform(),
        onWarning,
        onProgress: display.show,
      });
      log(modelLine(name, whisper));
      return whisper;
    },
  });
  const spool = openSpool();
  // What long recordings need beside it goes where the server cleans up.
  process.env.TMPDIR = spool.folder;
  const server = await startServer({
    ...{ auth, models, spool, reader, openSound, tls },
    queue: new Queue({
      parallel: settings.parallel,
      requests: settings.maxQueue,
      bytes: 1e6 * settings.maxQueueMb,
      seconds: settings.maxQueueSeconds,
    }),
    keepJobs: {
      folder: settings.stateDir ?? join(cacheOf(loadOptions), `jobs-${settings.port}`),
      keepMs: 3_600_000 * settings.keepJobs,
    },
    host: settings.host,
    port: settings.port,
    cors: settings.cors,
    limits: {
      maxBytes: Math.floor(1e6 * settings.maxMb),
      maxSeconds: settings.maxSeconds,
      uploadIdleMs: 1000 * settings.uploadTimeout,
      maxSessions: settings.maxSessions,
    },
    log: settings.log ? log : () => {},
  });
  io.allowGrace(1000 * settings.shutdownTimeout + 5000);
  try {
    await untilAborted(server.prepare(), io.signal);
    display.clear();
    io.stderr.write(`sotto serves ${[...places.keys()].join(', ')} at ${server.url}/v1\n`);
    await aborted(io.signal);
    log('no new requests are taken; those that run may finish');
    return EXIT.ok;
  } finally {
    await server.stop(1000 * settings.shutdownTimeout);
  }
}

/** What the models are called -> where they are: a folder by its last name, so that nobody is told of the others. */
function modelPlaces(text: string): Map<string, string> {
  const places = new Map<string, string>();
  for (const given of text.split(',').map((name) => name.trim())) {
    if (given === '') continue;
    const name = existsSync(given) ? basename(resolvePath(given)) : given;
    places.set(places.has(name) ? given : name, given);
  }
  return places;
}

function keysOf({ apiKey, apiKeyFile }: Own): string[] {
  const given = apiKey ?? environment('SOTTO_API_KEY') ?? '';
  const written = apiKeyFile === undefined ? '' : readText(apiKeyFile, '--api_key_file');
  const keys = [...given.split(','), ...written.split('\n')].map((key) => key.trim()).filter((key) => key !== '');
  if (apiKeyFile !== undefined && keys.length === 0) {
    throw new OptionsError('badValue', `--api_key_file ${apiKeyFile} has no key in it.`);
  }
  return keys;
}

/** @throws {OptionsError} `insecure` */
function checkAddress({ host, insecure }: Own, hasKey: boolean): void {
  const isLoopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (isLoopback || hasKey || insecure) return;
  throw new OptionsError('insecure', `At ${host} the server is open to other machines, and no key is set.`, {
    hint: 'Set a key (SOTTO_API_KEY or --api_key_file), or say that you want it so: --insecure True.',
  });
}

function tlsOf({ tlsCert, tlsKey }: Own): { readonly cert: Buffer; readonly key: Buffer } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new OptionsError('contradiction', '--tls_cert and --tls_key are given together.');
  }
  const tls = { cert: Buffer.from(readText(tlsCert, '--tls_cert')), key: Buffer.from(readText(tlsKey, '--tls_key')) };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new OptionsError('badValue', `${tlsCert} and ${tlsKey} are no certificate with its key in PEM.`, {
      hint: asError(error).message,
      cause: error,
    });
  }
  return tls;
}

function readText(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OptionsError('badValue', `${option} ${path} cannot be read: ${systemReason(error)}.`, { cause: error });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
