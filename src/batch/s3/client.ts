/**
 * One bucket of S3, or of a server that speaks its protocol: objects are listed, looked at, read and written. Credentials and
 * address come from the variables that AWS's own tools read. What fails in passing is tried again; all that ends in an error
 * ends in a sentence of ours.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
 */
import { S3Client as Client, S3Errors } from '@bradenmacdonald/s3-lite-client';
import { AudioError, OptionsError, OutputError, type SottoError } from '../../base/errors.ts';
import { type Fetch, type HttpResponse, request, sleep } from '../../base/http.ts';
import { untilAborted } from '../../base/signals.ts';
import { systemReason } from '../../base/systemErrors.ts';
import { keyFault, s3Address } from './address.ts';
import { type ListedObject, type ListPage, readListing } from './listing.ts';

export interface S3Head extends ListedObject {
  /** Own metadata, names without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface S3Options {
  /** A variable of the environment. */
  readonly environment: (name: string) => string | undefined;
  /** For reading; the runtime's own when absent. */
  readonly fetch?: Fetch | undefined;
  /** Milliseconds before a second attempt; three times as many before each next one. */
  readonly pauseMs?: number;
  /** Objects that are listed in one request; S3 gives 1000 at most. */
  readonly pageSize?: number;
}

const MAX_ATTEMPTS = 5;
const LONGEST_PAUSE_MS = 20_000;
/** Interruptions of one download that are gone on from. */
const MAX_RESUMES = 5;
/** A signed address is used at once; a slow proxy has this long. */
const SIGNED_SECONDS = 3600;

type Reason = readonly [reason: string, hint?: string];

const DENIED: Reason = ['access is denied', 'May these credentials do that? A bucket has rules of its own.'];
/** What S3 says is wrong -> the end of a sentence, and what can be done. */
const REASONS: Readonly<Record<string, Reason>> = {
  AccessDenied: DENIED,
  NoSuchBucket: ['there is no such bucket'],
  NoSuchKey: ['there is no such object'],
  InvalidAccessKeyId: ['the access key is not known there', 'Is AWS_ACCESS_KEY_ID of this server?'],
  SignatureDoesNotMatch: ['the secret key does not fit', 'Is AWS_SECRET_ACCESS_KEY the one of AWS_ACCESS_KEY_ID?'],
  ExpiredToken: ['the session of the credentials is over', 'Get new ones: AWS_SESSION_TOKEN goes with its keys.'],
  PermanentRedirect: ['the bucket is in another region', 'Name it: AWS_REGION.'],
  UnexpectedRedirect: ['the bucket is in another region', 'Name it: AWS_REGION.'],
  AuthorizationHeaderMalformed: ['the bucket is in another region', 'Name it: AWS_REGION.'],
  RequestTimeTooSkewed: ["this machine's clock is wrong", 'Set it by a time server.'],
};
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

type Failed = (why: string, details: { readonly hint?: string; readonly cause?: unknown }) => SottoError;

export class S3Bucket {
  readonly bucket: string;
  readonly #client: Client;
  readonly #isAnonymous: boolean;
  readonly #options: S3Options;

  /** @throws {OptionsError} `badValue` for variables of the environment that cannot be used */
  constructor(bucket: string, options: S3Options) {
    this.bucket = bucket;
    this.#options = options;
    const { client, isAnonymous } = clientOf(bucket, options.environment);
    this.#client = client;
    this.#isAnonymous = isAnonymous;
  }

  /**
   * All objects below a prefix, in the order of their keys' bytes.
   *
   * @param atMost asked for in one request, by who does not want more
   * @throws {AudioError} `fetch`; the signal's reason
   */
  async *list(prefix: string, signal?: AbortSignal, atMost?: number): AsyncGenerator<ListedObject, void, undefined> {
    const failed: Failed = (why, details) =>
      new AudioError('fetch', `${this.#name(prefix)} cannot be listed: ${why}.`, details);
    let after: string | undefined;
    for (;;) {
      const page = await this.#attempt(() => this.#page(prefix, after, atMost), failed, signal);
      yield* page.objects;
      if (page.next === undefined || atMost !== undefined) return;
      after = page.next;
    }
  }

  /**
   * @returns undefined where there is none
   * @throws {OutputError} `file`; the signal's reason
   */
  async head(key: string, signal?: AbortSignal): Promise<S3Head | undefined> {
    const failed: Failed = (why, details) =>
      new OutputError('file', `${this.#name(key)} cannot be looked at: ${why}.`, details);
    this.#check(key, failed);
    return this.#attempt(
      async () => {
        try {
          const { etag, size, metadata } = await this.#client.statObject(key);
          const own = Object.entries(metadata).flatMap(([name, value]) =>
            name.startsWith('x-amz-meta-') && value !== undefined ? [[name.slice('x-amz-meta-'.length), value]] : [],
          );
          return { key, etag, bytes: size, metadata: Object.fromEntries(own) };
        } catch (error) {
          if (error instanceof S3Errors.ServerError && error.statusCode === 404) return undefined;
          throw error;
        }
      },
      failed,
      signal,
    );
  }

  /**
   * Writes an object: readers see the old one or the new one, never a part.
   *
   * @param metadata small letters and ASCII
   * @throws {OutputError} `folder`: what fails here fails for the next object as well; the signal's reason
   */
  async put(
    key: string,
    bytes: Uint8Array,
    type: string,
    metadata: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<void> {
    const failed: Failed = (why, details) =>
      new OutputError('folder', `${this.#name(key)} cannot be written: ${why}.`, details);
    this.#check(key, failed);
    const own = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
    const all = { 'Content-Type': type, ...Object.fromEntries(own) };
    const body = new Uint8Array(bytes); // of memory that is nobody else's
    await this.#attempt(() => this.#client.putObject(key, body, { metadata: all }), failed, signal);
  }

  /**
   * The bytes of an object, once. A download that breaks off is gone on with where it stopped.
   *
   * @param etag the content that is meant; the one that is there when absent
   * @throws {AudioError} `notFound`, `fetch`, `changed`; the signal's reason
   */
  async *read(key: string, etag?: string, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const name = this.#name(key);
    const failed: Failed = (why, details) => new AudioError('fetch', `${name} cannot be fetched: ${why}.`, details);
    this.#check(key, failed);
    let wanted = etag;
    let done = 0;
    for (let resumes = 0; ; resumes++) {
      const answer = await this.#get(key, done, wanted, failed, signal);
      const found = answer.headers.get('etag')?.replace(/^(W\/)?"|"$/g, '');
      // Not every server heeds If-Match.
      const isOther = wanted !== undefined && found !== undefined && found !== wanted;
      if (answer.status === 412 || isOther || (done > 0 && answer.status !== 206)) {
        answer.cancel();
        throw new AudioError('changed', `${name} has another content than when it was listed.`, {
          hint: 'Give the job again when nobody writes to it.',
        });
      }
      wanted ??= found;
      try {
        for await (const bytes of answer.body()) {
          yield bytes;
          done += bytes.length;
        }
        return;
      } catch (error) {
        if (signal?.aborted || resumes === MAX_RESUMES) throw error;
      }
    }
  }

  async #get(
    key: string,
    from: number,
    etag: string | undefined,
    failed: Failed,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const { fetch, pauseMs } = this.#options;
    const headers = {
      ...(from > 0 && { range: `bytes=${from}-` }),
      ...(etag !== undefined && etag !== '' && { 'if-match': `"${etag}"` }),
    };
    const answer = await request(
      await this.#readAddress(key),
      { headers, signal, ...(fetch && { fetch }), ...(pauseMs !== undefined && { pauseMs }) },
      (why, { cause }) => failed(why, { cause }),
    );
    if (answer.status === 200 || answer.status === 206 || answer.status === 412) return answer;
    if (answer.status === 404) {
      answer.cancel();
      throw new AudioError('notFound', `There is no object ${this.#name(key)}.`);
    }
    const body: Uint8Array[] = [];
    for await (const bytes of answer.body()) body.push(bytes);
    const code = /<Code>(\w+)<\/Code>/.exec(Buffer.concat(body).toString('utf8'))?.[1];
    throw failed(...this.#reasonOf(code, answer.status, `status ${answer.status}`));
  }

  /** An address that holds a signature: never shown to anybody. */
  async #readAddress(key: string): Promise<string> {
    if (!this.#isAnonymous) return this.#client.presignedGetObject(key, { expirySeconds: SIGNED_SECONDS });
    const { protocol, host, pathPrefix = '' } = this.#client;
    const path = [this.bucket, ...key.split('/')].map(encodeURIComponent).join('/');
    return `${protocol}//${host}${pathPrefix}/${path}`;
  }

  /** @param token of the page before */
  async #page(prefix: string, token: string | undefined, atMost = this.#options.pageSize ?? 1000): Promise<ListPage> {
    const response = await this.#client.makeRequest({
      method: 'GET',
      objectName: '',
      query: {
        'list-type': '2',
        'max-keys': String(atMost),
        prefix,
        ...(token !== undefined && { 'continuation-token': token }),
      },
      returnBody: true,
    });
    const page = readListing(await response.text());
    if (!page) throw new Error('the answer is no list of objects');
    return page;
  }

  #check(key: string, failed: Failed): void {
    const fault = keyFault(key);
    if (fault !== undefined) throw failed(fault, {});
  }

  /** An abort leaves a request alone: the client has no way to stop one. */
  async #attempt<T>(work: () => Promise<T>, failed: Failed, signal: AbortSignal | undefined): Promise<T> {
    const { pauseMs = 1000 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      try {
        return await untilAborted(work(), signal);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        const passes =
          error instanceof S3Errors.ServerError ? PASSING_STATUS.has(error.statusCode) : isOfNetwork(error);
        if (!passes || attempt === MAX_ATTEMPTS) throw this.#errorOf(error, failed);
      }
      await sleep(Math.min(pauseMs * 3 ** (attempt - 1), LONGEST_PAUSE_MS), signal);
    }
  }

  #errorOf(error: unknown, failed: Failed): SottoError {
    if (error instanceof S3Errors.ServerError) {
      const [reason, details] = this.#reasonOf(error.code, error.statusCode, error.message.replace(/\.$/, ''));
      return failed(reason, { ...details, cause: error });
    }
    const reason = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
    return failed(systemReason(reason), {
      cause: error,
      ...(isOfNetwork(error) && {
        hint: 'Is the server there? Its address is AWS_ENDPOINT_URL, and AWS_REGION without it.',
      }),
    });
  }

  #reasonOf(
    code: string | undefined,
    status: number,
    otherwise: string,
  ): readonly [why: string, details: { readonly hint?: string }] {
    const known = code !== undefined && Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
    const [reason, hint] = known ?? (status === 403 ? DENIED : [otherwise]);
    if (status === 403 && this.#isAnonymous) {
      return [reason, { hint: 'No credentials are set: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.' }];
    }
    return [reason, hint === undefined ? {} : { hint }];
  }

  #name(key: string): string {
    return s3Address({ bucket: this.bucket, key });
  }
}

function clientOf(
  bucket: string,
  environment: S3Options['environment'],
): { readonly client: Client; readonly isAnonymous: boolean } {
  const read = (...names: readonly string[]): string | undefined =>
    names.map((name) => environment(name)).find((value) => value !== undefined && value !== '');
  const region = read('AWS_REGION', 'AWS_DEFAULT_REGION') ?? 'us-east-1';
  const endPoint = read('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL') ?? `https://s3.${region}.amazonaws.com`;
  if (!/^https?:\/\//i.test(endPoint) || !URL.canParse(endPoint)) {
    throw new OptionsError('badValue', `AWS_ENDPOINT_URL is no address: ${endPoint}.`, {
      hint: 'For example: http://localhost:9000',
    });
  }
  const accessKey = read('AWS_ACCESS_KEY_ID');
  const secretKey = read('AWS_SECRET_ACCESS_KEY');
  const sessionToken = read('AWS_SESSION_TOKEN');
  if ((accessKey === undefined) !== (secretKey === undefined)) {
    const missing = accessKey === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
    throw new OptionsError('badValue', `${missing} is not set, and its other half is.`);
  }
  if (accessKey === undefined || secretKey === undefined) {
    return { client: new Client({ endPoint, region, bucket }), isAnonymous: true };
  }
  if (accessKey.startsWith('ASIA') && sessionToken === undefined) {
    throw new OptionsError('badValue', 'AWS_ACCESS_KEY_ID is of a session, and AWS_SESSION_TOKEN is not set.');
  }
  const session = sessionToken === undefined ? {} : { sessionToken };
  return { client: new Client({ endPoint, region, bucket, accessKey, secretKey, ...session }), isAnonymous: false };
}

/** Not of S3: a connection that was refused, broken off, or never made. */
function isOfNetwork(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error;
}
