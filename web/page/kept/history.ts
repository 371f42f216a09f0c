/**
 * Keeps the transcript of the page while it grows and is edited, and opens those of earlier visits. What fails here costs a
 * sentence: the page works on without a history.
 */
import { effect, type Signal, signal, untracked } from '@preact/signals';
import { show, transcript } from '../session.ts';
import { createDocument, type TranscriptDocument } from '../transcriptDocument.ts';
import {
  type KeptEntry,
  keepSound,
  keepTranscript,
  listTranscripts,
  readTranscript,
  removeAllTranscripts,
  removeTranscript,
} from './transcriptStore.ts';

/** Milliseconds in which changes are gathered: of a text that is edited, and of one that is still coming. */
const PAUSE_MS = { edited: 800, coming: 5000 } as const;
/** Bytes: longer recordings are not kept with their text. */
const MOST_SOUND_BYTES = 100e6;
/** Characters of a text in the list. */
const BEGINNING = 80;

/** undefined until it is known. */
export const history: Signal<readonly KeptEntry[] | undefined> = signal(undefined);
export const historyFailure: Signal<string> = signal('');

interface Keeping {
  readonly id: string;
  readonly made: number;
  /** Was kept, or is too long. */
  sound: Blob | undefined;
}

interface Waiting {
  readonly document: TranscriptDocument;
  /** Milliseconds since the page was opened. */
  readonly due: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

const keepings = new WeakMap<TranscriptDocument, Keeping>();
/** Ids of those that were deleted while they were shown. */
const forgotten = new Set<string>();
let waiting: Waiting | undefined;

/** Begins to keep what the page shows. @returns ends it */
export function keepHistory(): () => void {
  void refreshHistory();
  const stop = effect(() => {
    const document = transcript.value;
    if (!document || document.segments.value.length === 0) return;
    // Each of them is kept.
    void [document.name.value, document.language.value, document.summary.value, document.audio.value];
    const pause = document.isBusy.value ? PAUSE_MS.coming : PAUSE_MS.edited;
    void document.peaks.value;
    if (waiting && waiting.document !== document) flush();
    const due = performance.now() + pause;
    // A text that is complete does not wait as long as one that is coming.
    if (waiting && waiting.due <= due) return;
    clearTimeout(waiting?.timer);
    waiting = { document, due, timer: setTimeout(flush, pause) };
  });
  // A page that is hidden may never be shown again.
  const onHide = (): void => {
    if (document.visibilityState === 'hidden') flush();
  };
  document.addEventListener('visibilitychange', onHide);
  return () => {
    stop();
    flush();
    document.removeEventListener('visibilitychange', onHide);
  };
}

function flush(): void {
  if (!waiting) return;
  const { document, timer } = waiting;
  clearTimeout(timer);
  waiting = undefined;
  // Of an effect: what is read here is not what it waits for.
  untracked(() => void attempt(() => keep(document)));
}

async function keep(document: TranscriptDocument): Promise<void> {
  const keeping = keepings.get(document) ?? {
    id: crypto.randomUUID(),
    made: Date.now(),
    sound: undefined,
  };
  keepings.set(document, keeping);
  if (forgotten.has(keeping.id)) return;
  const [segments, summary, peaks] = [document.segments.value, document.summary.value, document.peaks.value];
  const { id, made } = keeping;
  const text = segments.map((segment) => segment.text).join('');
  const entry: KeptEntry = {
    id,
    made,
    changed: Date.now(),
    name: document.name.value,
    language: document.language.value,
    duration: summary?.duration ?? peaks?.duration ?? segments.at(-1)?.end ?? 0,
    beginning: text.trim().slice(0, BEGINNING),
    ...document.asked,
  };
  await keepTranscript(entry, { segments, summary, peaks });
  const sound = document.audio.value;
  if (sound && sound !== keeping.sound) {
    keeping.sound = sound;
    // A history without sound is one: the text can be read and edited.
    const canKeep = await hasRoom(sound.size);
    if (canKeep && !forgotten.has(id)) await keepSound(id, sound).catch(() => {});
  }
  await refreshHistory();
}

async function hasRoom(bytes: number): Promise<boolean> {
  const { quota = 0, usage = 0 } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
  return bytes <= MOST_SOUND_BYTES && 2 * bytes < quota - usage;
}

/** Shows one again, to be read, heard and edited. */
export function openTranscript(entry: KeptEntry): Promise<void> {
  return attempt(async () => {
    flush();
    const shown = transcript.value;
    if (shown && keepings.get(shown)?.id === entry.id) return;
    const found = await readTranscript(entry.id);
    if (!found) return refreshHistory();
    const { text, sound } = found;
    const document = createDocument(entry.name, { model: entry.model, options: entry.options });
    document.segments.value = text.segments;
    document.summary.value = text.summary;
    document.peaks.value = text.peaks;
    document.language.value = entry.language;
    document.audio.value = sound;
    keepings.set(document, { ...entry, sound });
    show(document);
  });
}

export function deleteTranscript({ id }: KeptEntry): Promise<void> {
  return attempt(async () => {
    flush();
    forgotten.add(id);
    await removeTranscript(id);
    await refreshHistory();
  });
}

export function deleteHistory(): Promise<void> {
  return attempt(async () => {
    flush();
    for (const { id } of history.value ?? []) forgotten.add(id);
    const shown = transcript.value && keepings.get(transcript.value);
    if (shown) forgotten.add(shown.id);
    await removeAllTranscripts();
    await refreshHistory();
  });
}

async function refreshHistory(): Promise<void> {
  await attempt(async () => {
    history.value = await listTranscripts();
    historyFailure.value = '';
  });
}

async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const why = error instanceof Error && error.message !== '' ? ` (${error.message})` : '';
    historyFailure.value = `This browser keeps no transcripts for the page${why}. Save them as files.`;
  }
}
