/**
 * The engine of the page: sotto, whole, in a worker, so that nothing of it keeps the page from answering. One model, one
 * recording at a time.
 */
import {
  load,
  logMel,
  type Progress,
  SottoError,
  type TranscriptSummary,
  transcribeSegments,
  type Warning,
  type Whisper,
} from 'sotto';
import type { PageOptions } from '../asked.ts';
import { PeaksBuilder } from '../editor/peaks.ts';
import { openDiskScratch } from './diskScratch.ts';
import { fetchRecording } from './fetchRecording.ts';
import type { EngineFailure, EngineSetup, FromEngine, LoadedEngine, ToEngine, WorkMessage } from './messages.ts';
import { recordingSound, SAMPLE_RATE } from './recordingSound.ts';

/** As much as is used of a worker's global scope, which the types of a page do not have. */
interface WorkerScope {
  postMessage(message: FromEngine): void;
  addEventListener(type: 'message', handler: (event: MessageEvent<ToEngine>) => void): void;
}
const scope = globalThis as unknown as WorkerScope; // this file runs in a worker

/** More than a model's files have but its weights. */
const SMALL_BYTES = 8e6;
/** Of what is known of a recording, in memory: 8 minutes of it. More goes to disk. */
const KEPT_BYTES = 16 << 20;

type Say = (message: WorkMessage) => void;
type Action = (whisper: Whisper, say: Say, signal: AbortSignal) => Promise<TranscriptSummary>;

let whisper: Whisper | undefined;
/** What the page knows of it. */
let told: LoadedEngine | undefined;
let work: AbortController | undefined;
let go: (() => void) | undefined;
let paused: Promise<void> | undefined;

scope.addEventListener('message', ({ data }) => {
  switch (data.kind) {
    case 'load':
      void open(data.setup);
      return;
    case 'transcribe':
      void attempt(data.run, (...tools) => transcribe(data.audio, data.name, data.options, ...tools));
      return;
    case 'listen':
      void attempt(data.run, (...tools) => listen(data.samples, data.options, ...tools));
      return;
    case 'pause':
      pause(data.isPaused);
      return;
    case 'abort':
      work?.abort();
      pause(false);
  }
});

async function open({ model, device }: EngineSetup): Promise<void> {
  try {
    whisper = await load(model, {
      device,
      keep: true,
      onProgress: ({ stage, done, total }) => {
        // Small files come and go too fast to be told.
        if (stage !== 'fetch' || total > SMALL_BYTES) scope.postMessage({ kind: 'loading', stage, done, total });
      },
      onWarning: ({ message }) => scope.postMessage({ kind: 'warning', message }),
    });
    told = factsOf(whisper);
    scope.postMessage({ kind: 'loaded', engine: told });
  } catch (error) {
    scope.postMessage({ kind: 'loadFailed', failure: failureOf(error) });
  }
}

function factsOf({ device, weightBytes, storage }: Whisper): LoadedEngine {
  return { device: device.kind, description: device.description, weightBytes, dtype: storage.dtype ?? 'f32' };
}

/** Where a GPU was lost, another device goes on. */
function tellDevice(loaded: Whisper): void {
  if (loaded.device.description === told?.description) return;
  told = factsOf(loaded);
  scope.postMessage({ kind: 'moved', engine: told });
}

async function attempt(run: number, action: Action): Promise<void> {
  const controller = new AbortController();
  const say: Say = (message) => {
    if (!controller.signal.aborted) scope.postMessage({ ...message, run });
  };
  work = controller;
  try {
    if (!whisper) throw new Error('no model is loaded');
    const summary = await action(whisper, say, controller.signal);
    tellDevice(whisper);
    say({ kind: 'done', summary });
  } catch (error) {
    say({ kind: 'failed', failure: failureOf(error) });
  }
}

/** @param audio a recording, or its address: it is then fetched, and given to the page to play */
async function transcribe(
  audio: Blob | string,
  name: string,
  options: PageOptions,
  loaded: Whisper,
  say: Say,
  signal: AbortSignal,
): Promise<TranscriptSummary> {
  let recording = audio;
  if (typeof recording === 'string') {
    const onBytes = (done: number, total: number): void =>
      say({ kind: 'progress', stage: 'fetch', done, reached: done, total });
    recording = await fetchRecording(recording, signal, onBytes);
    say({ kind: 'recording', audio: recording });
  }
  const calls = {
    signal,
    onProgress: ({ stage, done, total, reached = done }: Progress) =>
      say({ kind: 'progress', stage, done, reached, total }),
    onWarning: ({ message }: Warning) => scope.postMessage({ kind: 'warning', message }),
  };
  const sound = recordingSound(recording, name, (peaks) => say({ kind: 'peaks', peaks }));
  // All of it is read here once, before the first word.
  const { nMels } = loaded.dims;
  const mel = await logMel(sound, { ...calls, nMels, scratch: openDiskScratch, keepBytes: KEPT_BYTES });
  try {
    const segments = transcribeSegments(loaded, mel, {
      ...options,
      ...calls,
      onLanguage: (language) => say({ kind: 'language', language }),
    });
    for (;;) {
      const next = await segments.next();
      if (next.done) return next.value;
      say({ kind: 'segment', segment: next.value });
      tellDevice(loaded);
      // Until the next one is asked for, nothing is decoded.
      await paused;
    }
  } finally {
    await mel.close();
  }
}

async function listen(
  port: MessagePort,
  { language, task, initialPrompt }: PageOptions,
  loaded: Whisper,
  say: Say,
  signal: AbortSignal,
): Promise<TranscriptSummary> {
  const outline = new PeaksBuilder(SAMPLE_RATE);
  const updates = loaded.stream(outlined(samplesOf(port, signal), outline), {
    language,
    task,
    initialPrompt,
    signal,
    onLanguage: (found) => say({ kind: 'language', language: found }),
  });
  let [text, stable] = ['', ''];
  for (;;) {
    const next = await updates.next();
    if (next.done) {
      say({ kind: 'peaks', peaks: outline.peaks() });
      return { text, task, language: next.value.language ?? '', duration: next.value.duration };
    }
    const update = next.value;
    text += update.stable;
    stable += update.stable;
    for (const segment of update.segments) {
      stable = stable.slice(segment.text.length);
      say({ kind: 'segment', segment });
    }
    say({ kind: 'partial', stable, partial: update.partial });
    tellDevice(loaded);
    say({ kind: 'progress', stage: 'transcribe', done: update.heard, reached: update.heard, total: 0 });
  }
}

async function* outlined(
  samples: AsyncIterable<Float32Array>,
  outline: PeaksBuilder,
): AsyncGenerator<Float32Array, void, undefined> {
  for await (const piece of samples) {
    outline.push(piece);
    yield piece;
  }
}

async function* samplesOf(port: MessagePort, signal: AbortSignal): AsyncGenerator<Float32Array, void, undefined> {
  const waiting: (Float32Array | null)[] = [];
  let wake = (): void => {};
  port.onmessage = ({ data }: MessageEvent<Float32Array | null>) => {
    waiting.push(data);
    wake();
  };
  signal.addEventListener('abort', () => wake(), { once: true });
  try {
    while (!signal.aborted) {
      const next = waiting.shift();
      if (next === null) return;
      if (next) yield next;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    port.close();
  }
}

function pause(isPaused: boolean): void {
  if (isPaused && !paused) {
    paused = new Promise((resolve) => {
      go = resolve;
    });
  } else if (!isPaused) {
    go?.();
    paused = undefined;
  }
}

function failureOf(error: unknown): EngineFailure {
  if (error instanceof SottoError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: undefined, message: error instanceof Error ? error.message : String(error), hint: undefined };
}
