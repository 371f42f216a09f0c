/** What the page is doing: one recording on its way to text. All that views show is in these signals. */
import { computed, type Signal, signal } from '@preact/signals';
import type { PageOptions } from './asked.ts';
import { Engine } from './engine/engine.ts';
import type {
  EngineFailure,
  EngineSetup,
  FromEngine,
  LoadedEngine,
  LoadingMessage,
  WorkMessage,
} from './engine/messages.ts';
import { type Capture, capture } from './engine/microphone.ts';
import { askToPersist } from './kept/models.ts';
import { offeredModels } from './models.ts';
import type { PaceMark } from './times.ts';
import { createDocument, pageSegment, type TranscriptDocument } from './transcriptDocument.ts';

export type Phase = 'idle' | 'loading' | 'working' | 'paused' | 'done' | 'stopped' | 'failed';

export interface Job {
  readonly name: string;
  readonly audio: Blob | string | MediaStream;
}

/** Of the work on sound, in its seconds; of loading, in bytes or whatever else is counted. */
export interface Advance {
  readonly stage: string;
  readonly done: number;
  readonly reached: number;
  readonly total: number;
  /** Of the first word about this stage: what was there by then, and when it came (milliseconds since the page was opened). */
  readonly began?: { readonly done: number; readonly at: number };
}

const NOTHING_LIVE = { stable: '', partial: '' } as const;

const query = new URLSearchParams(location.search);
export const models = offeredModels(query.get('model'));

export const setup: Signal<EngineSetup> = signal({ model: models[0]!.model, device: 'auto' }); // there are some
/** Beams as the command has them without options. */
export const options: Signal<PageOptions> = signal({ wordTimestamps: true, beamSize: 5, bestOf: 5 });
export const phase: Signal<Phase> = signal('idle');
export const advance: Signal<Advance | undefined> = signal(undefined);
export const engineFacts: Signal<LoadedEngine | undefined> = signal(undefined);
export const failure: Signal<EngineFailure | undefined> = signal(undefined);
export const warnings: Signal<readonly string[]> = signal([]);
export const transcript: Signal<TranscriptDocument | undefined> = signal(undefined);
/** Of a live recording: text after the last segment. */
export const live: Signal<{ readonly stable: string; readonly partial: string }> = signal(NOTHING_LIVE);
export const isBusy = computed(() => ['loading', 'working', 'paused'].includes(phase.value));
/** The recording is still being made. */
export const isLive: Signal<boolean> = signal(false);
/** The first sign that decoding went on, or did again after a pause. */
export const paceMark: Signal<PaceMark | undefined> = signal(undefined);

let engine: { readonly engine: Engine; readonly setup: EngineSetup } | undefined;
let job: Job | undefined;
/** Of a live recording, from the moment it is begun: what is said while the model is loaded waits in its port. */
let capturing: Promise<Capture> | undefined;
let run = 0;

/** Begins with a recording, whatever was there before. */
export function begin(next: Job): void {
  if (isBusy.value) stop();
  job = next;
  run++;
  isLive.value = next.audio instanceof MediaStream;
  const document = createDocument(next.name, { model: setup.value.model, options: options.value });
  document.isBusy.value = true;
  if (next.audio instanceof Blob) document.audio.value = next.audio;
  transcript.value = document;
  capturing = next.audio instanceof MediaStream ? capture(next.audio, finish) : undefined;
  capturing?.then(
    async ({ recording }) => keepRecording(await recording, document),
    (error: unknown) => {
      if (transcript.value !== document) return;
      failure.value = {
        code: undefined,
        message: String(error),
        hint: 'Look whether the page may use the microphone.',
      };
      end('failed');
    },
  );
  [failure.value, warnings.value, live.value] = [undefined, [], NOTHING_LIVE];
  [advance.value, paceMark.value] = [undefined, undefined];
  const wanted = setup.value;
  phase.value = 'loading';
  if (engine && isSame(engine.setup, wanted) && engineFacts.value) {
    void hand();
    return;
  }
  closeEngine();
  engine = { setup: wanted, engine: new Engine(wanted, take) };
}

/** Shows a transcript that is finished, of this visit or an earlier one, with the settings that it was made with. */
export function show(document: TranscriptDocument): void {
  if (transcript.value === document) return;
  if (isBusy.value) stop();
  run++;
  const audio = document.audio.value;
  job = audio && { name: document.name.value, audio };
  [failure.value, warnings.value, advance.value, isLive.value] = [undefined, [], undefined, false];
  transcript.value = document;
  const { model, options: asked } = document.asked;
  options.value = asked;
  // One that the page does not offer cannot be chosen. Where it computes is a matter of this machine.
  if (models.some((offered) => offered.model === model)) setup.value = { ...setup.value, model };
  end('done');
}

/** The same recording again; on another device if that is named. */
export function again(device?: EngineSetup['device']): void {
  if (device) setup.value = { ...setup.value, device };
  closeEngine();
  if (job) begin(job);
}

export function pause(): void {
  if (phase.value !== 'working') return;
  phase.value = 'paused';
  engine?.engine.pause(true);
}

export function resume(): void {
  if (phase.value !== 'paused') return;
  phase.value = 'working';
  paceMark.value = undefined;
  engine?.engine.pause(false);
}

/** What there is of the text stays. While the model is loaded the engine is ended: nothing else can stop it at once. */
export function stop(): void {
  finish();
  if (engineFacts.value) engine?.engine.abort();
  else closeEngine();
  end('stopped');
}

/** No more sound; what was heard is decoded to its end. */
export function finish(): void {
  capturing?.then(
    (captured) => captured.finish(),
    () => {}, // told where it was begun
  );
}

/** To be played, and to be tried again with. */
function keepRecording(audio: Blob, document: TranscriptDocument): void {
  document.audio.value = audio;
  if (job && transcript.value === document) job = { name: job.name, audio };
}

async function hand(): Promise<void> {
  const [given, own, at] = [job, run, engine?.engine];
  if (!at || !given) return;
  if (capturing) {
    const captured = await capturing.catch(() => undefined);
    if (!captured || own !== run || phase.value !== 'loading') return;
    at.listen(own, captured.samples, options.value);
  } else if (!(given.audio instanceof MediaStream)) {
    at.transcribe(own, given.audio, given.name, options.value);
  }
  phase.value = 'working';
}

function take(message: FromEngine): void {
  switch (message.kind) {
    case 'loading':
      advance.value = loadingAdvance(message, advance.value);
      return;
    case 'loaded':
      engineFacts.value = message.engine;
      void askToPersist();
      void hand();
      return;
    case 'moved':
      engineFacts.value = message.engine;
      return;
    case 'warning':
      // Said once, however often it is so.
      warnings.value = [...new Set([...warnings.value, message.message])];
      return;
    case 'loadFailed':
      failure.value = message.failure;
      closeEngine();
      end('failed');
      return;
    default:
      if (message.run === run && transcript.value) takeWork(message, transcript.value);
  }
}

function loadingAdvance({ stage, done, total }: LoadingMessage, before: Advance | undefined): Advance {
  const began = before?.stage === stage ? before.began : undefined;
  return { stage, done, reached: done, total, began: began ?? { done, at: performance.now() } };
}

function takeWork(message: WorkMessage, document: TranscriptDocument): void {
  switch (message.kind) {
    case 'language':
      document.language.value = message.language;
      return;
    case 'segment':
      document.segments.value = [...document.segments.value, pageSegment(message.segment)];
      return;
    case 'partial':
      live.value = message;
      return;
    case 'recording':
      keepRecording(message.audio, document);
      return;
    case 'peaks':
      document.peaks.value = message.peaks;
      return;
    case 'progress': {
      const { stage, done, reached, total } = message;
      advance.value = { stage, done, reached, total };
      if (stage === 'transcribe' && reached > 0) paceMark.value ??= { reached, at: performance.now() };
      return;
    }
    case 'done':
      document.summary.value = message.summary;
      end('done');
      return;
    case 'failed':
      failure.value = message.failure;
      end('failed');
  }
}

function end(how: 'done' | 'stopped' | 'failed'): void {
  phase.value = how;
  live.value = NOTHING_LIVE;
  if (transcript.value) transcript.value.isBusy.value = false;
}

function closeEngine(): void {
  engine?.engine.close();
  engine = undefined;
  engineFacts.value = undefined;
}

const isSame = (a: EngineSetup, b: EngineSetup): boolean => a.model === b.model && a.device === b.device;
