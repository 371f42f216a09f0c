/** The form of a request, read while it comes: its recording to a file, its fields to a list. Nothing is in memory whole. */
import { createWriteStream, type WriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { ApiError } from './errors.ts';

export interface UploadedFile {
  readonly path: string;
  /** As the client names it. */
  readonly name: string;
}

export interface Form {
  readonly file: UploadedFile | undefined;
  /** In the order in which they came. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

export interface FormOptions {
  /** Where the recording goes. */
  readonly folder: string;
  /** Most bytes of it. */
  readonly maxBytes: number;
  /** Most bytes of a field; 64 KiB when absent. */
  readonly maxFieldBytes?: number | undefined;
  /** Milliseconds without a byte after which the client is given up. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
  /** Told of each piece; what it throws refuses the form. */
  readonly onBytes: (count: number) => void;
}

const LIMITS = {
  fieldNameSize: 100,
  /** A prompt is 224 tokens; a list of names to be spelt may be long. */
  fieldSize: 64 << 10,
  fields: 200,
  files: 2,
  parts: 202,
  headerPairs: 20,
  headerSize: 8 << 10,
} as const;
/** Of all fields beside the longest. */
const MAX_FIELD_BYTES = LIMITS.fields * LIMITS.fieldSize;
/** What a form has beside its recording: fields, borders, headers of its parts. */
const AROUND = 1 << 20;

/** @throws {ApiError} 413 for a length that is announced and too large: before any of it is read */
export function checkLength(incoming: IncomingMessage, maxBytes: number): void {
  const length = Number(incoming.headers['content-length'] ?? 0);
  if (length > maxBytes + AROUND) throw tooLarge(maxBytes, `${length} bytes announced`);
}

/**
 * @throws {ApiError} 400 for what is no such form, 408 for a client that stands still, 413 for too much; what `onBytes`
 *   throws; the signal's reason
 */
export async function readForm(incoming: IncomingMessage, options: FormOptions): Promise<Form> {
  const type = incoming.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\b/i.test(type)) {
    throw new ApiError(
      400,
      `The body must be multipart/form-data, with the recording as "file"; it is ${shownType(type)}.`,
    );
  }
  const { signal } = options;
  signal.throwIfAborted();
  const form = new Promise<Form>((resolve, reject) => readParts(incoming, type, options, resolve, reject));
  return form;
}

function readParts(
  incoming: IncomingMessage,
  type: string,
  { folder, maxBytes, maxFieldBytes = LIMITS.fieldSize, idleMs, signal, onBytes }: FormOptions,
  resolve: (form: Form) => void,
  reject: (reason: unknown) => void,
): void {
  let parser: BusboyInstance;
  try {
    parser = new Busboy({
      headers: { ...incoming.headers, 'content-type': type },
      limits: { ...LIMITS, fieldSize: maxFieldBytes, fileSize: maxBytes },
      isPartAFile: (field, _, fileName) => field === 'file' || fileName !== undefined,
    });
  } catch {
    reject(new ApiError(400, 'The body is no multipart form: its Content-Type has no boundary.'));
    return;
  }
  const fields: [string, string][] = [];
  let file: UploadedFile | undefined;
  let target: WriteStream | undefined;
  let writing: Promise<void> = Promise.resolve();
  let isOver = false;
  let total = 0;
  let fieldBytes = 0;
  let timer: NodeJS.Timeout | undefined;

  const end = (): void => {
    isOver = true;
    clearTimeout(timer);
    incoming.unpipe(parser);
    incoming.off('data', count);
    incoming.off('error', gone);
    signal.removeEventListener('abort', gone);
  };
  const fail = (reason: unknown): void => {
    if (isOver) return;
    end();
    // A part that is being read ends here too.
    parser.on('error', () => {});
    parser.destroy();
    target?.destroy();
    // The file is closed before its folder is removed.
    void writing.catch(() => {}).then(() => reject(reason));
  };
  const gone = (): void => fail(signal.aborted ? signal.reason : new ApiError(400, 'The body broke off.'));
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(
      () => fail(new ApiError(408, `No byte of the body came for ${idleMs / 1000} s.`, { code: 'timeout' })),
      idleMs,
    );
  };
  const count = (chunk: Buffer): void => {
    wait();
    total += chunk.length;
    try {
      if (total > maxBytes + AROUND) throw tooLarge(maxBytes, `${total} bytes read`);
      onBytes(chunk.length);
    } catch (error) {
      fail(error);
    }
  };

  parser.on('file', (name, stream, fileName) => {
    stream.on('error', () => {});
    if (isOver || name !== 'file' || file) {
      stream.resume();
      if (name === 'file')
        fail(new ApiError(400, 'There are two parts "file": send one recording.', { param: 'file' }));
      else fail(unknownPart(name));
      return;
    }
    const path = join(folder, 'upload');
    file = { path, name: fileName || 'the recording' };
    stream.once('limit', () => fail(tooLarge(maxBytes, `${total} bytes read`)));
    target = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    writing = finished(target);
    writing.catch(fail);
    stream.pipe(target);
  });
  parser.on('field', (name, value, isNameCut, isValueCut) => {
    if (isOver) return;
    if (isNameCut) fail(new ApiError(400, 'The name of a field is longer than 100 bytes.'));
    else if (isValueCut) {
      fail(new ApiError(400, `The field ${name} is longer than ${maxFieldBytes >> 10} KiB.`, { param: name }));
    } else {
      fieldBytes += value.length;
      if (fieldBytes > maxFieldBytes + MAX_FIELD_BYTES) fail(new ApiError(400, 'The fields of the form are too long.'));
      else fields.push([name, value]);
    }
  });
  const tooMany = (): void => fail(new ApiError(400, `The form has more than ${LIMITS.fields} fields.`));
  parser.on('fieldsLimit', tooMany);
  parser.on('partsLimit', tooMany);
  parser.on('filesLimit', tooMany);
  parser.on('error', (error) => fail(new ApiError(400, `The body is no whole multipart form: ${reasonOf(error)}.`)));
  parser.on('finish', () => {
    writing.then(
      () => {
        if (isOver) return;
        end();
        resolve({ file, fields });
      },
      (error: unknown) => fail(error),
    );
  });
  signal.addEventListener('abort', gone, { once: true });
  incoming.on('error', gone);
  incoming.on('data', count);
  wait();
  incoming.pipe(parser);
}

function unknownPart(name: string): ApiError {
  return new ApiError(400, `There is no part ${name.slice(0, 100)} with a file: the recording goes into "file".`, {
    param: name.slice(0, 100),
    code: 'unknown_parameter',
  });
}

/** In OpenAI's words. */
function tooLarge(maxBytes: number, found: string): ApiError {
  return new ApiError(413, `Maximum content size limit (${maxBytes}) exceeded (${found})`, {
    param: 'file',
    code: 'file_too_large',
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : 'it cannot be read';
}

function shownType(type: string): string {
  return type === '' ? 'of no type' : type.slice(0, 100);
}
