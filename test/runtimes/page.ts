/** What the page of `chromium.test.ts` runs: sotto by its entry point for browsers, told what to do from outside. */
import { load, readAudio, SottoError } from '../../src/index.web.ts';

/** One recording's result; in other runtimes a line of the output of `transcribeFiles.ts`. */
export interface TranscribedFile {
  readonly path: string;
  readonly device: string;
  readonly tokens: readonly number[];
  readonly text: string;
}

export interface PageOrder {
  readonly model: string;
  readonly device: 'cpu' | 'webgpu';
  readonly clips: readonly { readonly url: string; readonly language?: string | undefined }[];
}

export interface PageResult {
  readonly isIsolated: boolean;
  readonly hasSharedMemory: boolean;
  readonly files: readonly TranscribedFile[];
}

export interface PageFailure {
  readonly code: string;
  readonly hint: string | undefined;
}

/** What went wrong, where something has to. */
async function fail(order: PageOrder): Promise<PageFailure | undefined> {
  try {
    await obey(order);
    return undefined;
  } catch (error) {
    return failureOf(error);
  }
}

function failureOf(error: unknown): PageFailure {
  if (!(error instanceof SottoError)) throw error;
  return { code: error.code, hint: error.hint };
}

async function obey({ model, device, clips }: PageOrder): Promise<PageResult> {
  const whisper = await load(model, { device });
  say(`loaded on ${whisper.device.description}`);
  const files: TranscribedFile[] = [];
  for (const { url, language } of clips) {
    const transcript = await whisper.transcribe(new URL(url, location.href), {
      temperature: 0,
      language,
      onSegment: (segment) => say(`${url}: ${segment.text}`),
    });
    const tokens = transcript.segments.flatMap((segment) => segment.tokens);
    files.push({ path: url, device: whisper.device.description, tokens, text: transcript.text });
  }
  await whisper.close();
  return {
    isIsolated: globalThis.crossOriginIsolated,
    hasSharedMemory: typeof SharedArrayBuffer === 'function',
    files,
  };
}

function say(what: string): void {
  console.log(`${(performance.now() / 1000).toFixed(1)} s  ${what}`);
}

/** 16-bit samples of recordings, or the code and hint of the error. */
export type PageSamples = readonly (readonly number[] | PageFailure)[];

async function read(urls: readonly string[]): Promise<PageSamples> {
  const found: (readonly number[] | PageFailure)[] = [];
  for (const url of urls) {
    try {
      const response = await fetch(url);
      const samples = await readAudio(url.includes('blob') ? await response.blob() : response);
      found.push(Array.from(samples, (value) => Math.round(32768 * value)));
    } catch (error) {
      found.push(failureOf(error));
    }
  }
  return found;
}

Object.assign(globalThis, { read, obey, fail });
