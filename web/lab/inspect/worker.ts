/** Looks inside a recording, in a worker: the model, the window, and its drawings. One model is kept for the next wish. */
import { inspectRecording, load, SottoError, type Whisper } from 'sotto';
import { drawAttention, drawBeams, drawCandidates, drawMel } from 'sotto/lab';
import type { FromInspector, Inspected, InspectWish } from './messages.ts';

/** As much as is used of a worker's global scope, which the types of a page do not have. */
interface WorkerScope {
  postMessage(message: FromInspector): void;
  addEventListener(type: 'message', handler: (event: MessageEvent<InspectWish>) => void): void;
}
const scope = globalThis as unknown as WorkerScope; // this file runs in a worker

let loaded: { readonly model: string; readonly whisper: Whisper } | undefined;

scope.addEventListener('message', ({ data }) => void answer(data));

async function answer(wish: InspectWish): Promise<void> {
  try {
    scope.postMessage({ kind: 'done', inspected: await look(wish) });
  } catch (error) {
    const hint = error instanceof SottoError && error.hint ? ` ${error.hint}` : '';
    scope.postMessage({ kind: 'failed', message: (error instanceof Error ? error.message : String(error)) + hint });
  }
}

async function look({ model, audio, at, layer, head, beams }: InspectWish): Promise<Inspected> {
  const whisper = await modelOf(model);
  scope.postMessage({ kind: 'stage', text: 'decoding the window' });
  const inspection = await inspectRecording(whisper, audio, {
    at,
    layer,
    head,
    ...(beams > 1 && { beamSize: beams }),
  });
  const { window, attempts, alignment } = inspection;
  const last = attempts.at(-1);
  const drawn = [
    ['The log-mel, and the words', drawMel(inspection)],
    ['The path that words are timed by', drawAttention(inspection)],
    [`Layer ${layer}, head ${head}`, alignment && drawAttention(inspection, alignment.heads[0])],
    ['Candidates of each token, and what the rules struck out', drawCandidates(last)],
    ['Beams', drawBeams(attempts.findLast((attempt) => attempt.beams))],
  ] as const;
  return {
    text: last?.text.trim() ?? '',
    span: `${window.start.toFixed(2)} to ${window.end.toFixed(2)} of ${window.duration.toFixed(2)} s`,
    drawings: drawn.map(([title, svg]) => ({ title, svg: svg ?? '' })),
  };
}

async function modelOf(model: string): Promise<Whisper> {
  if (loaded?.model === model) return loaded.whisper;
  await loaded?.whisper.close();
  loaded = undefined;
  const whisper = await load(model, {
    keep: true,
    onProgress: ({ stage, done, total }) => {
      const share = total > 0 ? `, ${Math.round((100 * done) / total)} %` : '';
      scope.postMessage({ kind: 'stage', text: `${stage} ${model}${share}` });
    },
  });
  loaded = { model, whisper };
  return whisper;
}
