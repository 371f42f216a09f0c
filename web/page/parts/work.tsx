/** The work in hand: how far it is, how long it will take, and the ways to stop it; or why it failed, and the way on. */
import type { JSX } from 'preact';
import {
  type Advance,
  advance,
  again,
  engineFacts,
  failure,
  finish,
  isLive,
  options,
  paceMark,
  pause,
  phase,
  resume,
  setup,
  stop,
  transcript,
  warnings,
} from '../session.ts';
import { clock, leftOf } from '../times.ts';

const STAGES: Readonly<Record<string, string>> = {
  fetch: 'Fetching the model',
  convert: 'Preparing the model',
  load: 'Loading the model',
  compile: 'Preparing the device',
  audio: 'Reading the recording',
  transcribe: 'Transcribing',
};

export function Work(): JSX.Element | null {
  const document = transcript.value;
  if (phase.value === 'idle' || !document) return null;
  return (
    <section class="work" aria-label="Progress">
      <h2 class="work-name">{document.name}</h2>
      {phase.value === 'failed' ? <Failure /> : <Running />}
      <div class="warnings" role="status">
        {warnings.value.map((warning) => (
          <p class="warning" key={warning}>
            {warning}
          </p>
        ))}
      </div>
    </section>
  );
}

function Running(): JSX.Element {
  const now = advance.value;
  const isWorking = phase.value === 'working' || phase.value === 'paused';
  const isUnderWay = isWorking || phase.value === 'loading';
  const isPaused = phase.value === 'paused';
  return (
    <>
      <p class="state">{sentence(now)}</p>
      <p class="visually-hidden" role="status">
        {announcement(now)}
      </p>
      {isUnderWay && !(isWorking && isLive.value) && (
        <progress
          aria-label={STAGES[now?.stage ?? 'load'] ?? 'Progress'}
          max={now?.total || 1}
          {...(now && now.total > 0 ? { value: Math.min(now.reached, now.total) } : {})}
        />
      )}
      {/* A button that becomes another one is the same element, so that it keeps the focus. */}
      <p class="row">
        {isWorking && !isLive.value && (
          <button type="button" class={isPaused ? 'primary' : ''} onClick={isPaused ? resume : pause}>
            {isPaused ? 'Go on' : 'Pause'}
          </button>
        )}
        {(phase.value === 'working' || phase.value === 'loading') && isLive.value && (
          <button type="button" class="primary" onClick={finish}>
            Finish
          </button>
        )}
        {(isUnderWay || (phase.value === 'stopped' && !isLive.value)) && (
          <button type="button" onClick={isUnderWay ? stop : () => again()}>
            {isUnderWay ? 'Stop' : 'Start again'}
          </button>
        )}
      </p>
    </>
  );
}

/** For screen readers: what begins and ends, and each tenth, but not each second. */
function announcement(now: Advance | undefined): string {
  switch (phase.value) {
    case 'loading':
      return STAGES[now?.stage ?? 'load'] ?? 'Loading';
    case 'working': {
      if (isLive.value) return 'Listening.';
      if (now?.stage !== 'transcribe' || now.total === 0)
        return STAGES[now?.stage ?? 'audio'] ?? 'Reading the recording';
      const tenths = Math.floor((10 * now.reached) / now.total);
      return tenths > 0 ? `${10 * Math.min(tenths, 10)} % transcribed` : 'Transcribing';
    }
    case 'paused':
      return 'The work waits.';
    case 'done':
      return 'The text is complete.';
    default:
      return 'The work has ended.';
  }
}

function sentence(now: Advance | undefined): string {
  switch (phase.value) {
    case 'loading':
      if (isLive.value) return 'Recording. The text comes when the model is loaded.';
      return now && now.stage === 'fetch' && now.total > 0
        ? `${STAGES.fetch}: ${megabytes(now)}${leftOfFetch(now)}`
        : `${STAGES[now?.stage ?? 'load'] ?? 'Loading'}…`;
    case 'paused':
      return 'Paused.';
    case 'stopped':
      return 'Stopped. What was found by then is below.';
    case 'done':
      return 'Done.';
    default: {
      if (isLive.value) return now ? `Listening: ${clock(now.done)}` : 'Listening…';
      if (now?.stage === 'fetch') return `Fetching the recording: ${megabytes(now)}`;
      if (now?.stage === 'audio' && now.total > 0)
        return `Reading the recording: ${clock(now.done)} of ${clock(now.total)}`;
      if (now?.stage !== 'transcribe' || now.total === 0) return 'Reading the recording…';
      if (now.reached === 0 && options.value.vad) return 'Looking for speech…';
      const left = leftOf(now, paceMark.value, performance.now());
      return `${clock(now.done)} of ${clock(now.total)}${left}`;
    }
  }
}

/** Of what is still to come: an earlier download may have left some. */
function leftOfFetch({ done, total, began }: Advance): string {
  if (!began) return '';
  return leftOf({ reached: done, total }, { reached: began.done, at: began.at }, performance.now());
}

function megabytes({ done, total }: Advance): string {
  const [have, all] = [done, total].map((bytes) => Math.round(bytes / 1e6));
  return total > 0 ? `${have} of ${all} MB` : `${have} MB`;
}

/** What goes wrong with a GPU alone: what sotto advises then is for programs and terminals. */
const GPU_CODES = new Set(['lost', 'noAdapter', 'noDevice', 'outOfMemory', 'softwareAdapter', 'webgpuMissing']);

function Failure(): JSX.Element {
  const found = failure.value;
  const wasGpu = engineFacts.value?.device === 'webgpu' || setup.value.device === 'webgpu';
  const hint = wasGpu && GPU_CODES.has(found?.code ?? '') ? 'The CPU finds the same text, in more time.' : found?.hint;
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{found?.message}</strong>
      </p>
      {hint && <p>{hint}</p>}
      <p class="row">
        {wasGpu && (
          <button type="button" class="primary" onClick={() => again('cpu')}>
            Go on with the CPU
          </button>
        )}
        <button type="button" onClick={() => again()}>
          Try again
        </button>
      </p>
    </div>
  );
}
