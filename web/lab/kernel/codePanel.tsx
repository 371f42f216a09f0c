/** The code on the bench, and what belongs to it: what stands before it, changes, the CPU's code, the edit as TypeScript. */
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { saveFile } from '../../shared/saveFile.ts';
import { CodeEditor } from '../code/codeEditor.tsx';
import { DiffView } from '../code/diffView.tsx';
import { ReadOnlyCode } from '../code/readOnlyCode.tsx';
import { engine, patienceSeconds, silentSeconds } from '../session.ts';
import { linkOf } from './link.ts';
import {
  attempt,
  check,
  edit,
  fork,
  isEdited,
  messages,
  original,
  phase,
  place,
  restore,
  source,
  stop,
  text,
} from './state.ts';
import { typescriptOf } from './typescript.ts';
import { WatView } from './watView.tsx';

const TABS = { code: 'Code', changes: 'Changes', bindings: 'Bindings', wat: 'On the CPU' } as const;
type Tab = keyof typeof TABS;

export function CodePanel(): JSX.Element {
  const tab: Signal<Tab> = useSignal('code');
  return (
    <section class="code-panel" aria-label="Code">
      <div class="tabs" role="tablist" aria-label="Views of the code">
        {(Object.keys(TABS) as Tab[]).map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={tab.value === name}
            aria-controls={`panel-${name}`}
            tabIndex={tab.value === name ? 0 : -1}
            onClick={() => {
              tab.value = name;
            }}
            onKeyDown={(event) => turn(event, tab)}
          >
            {TABS[name]}
          </button>
        ))}
      </div>
      <div class="tab-panel" role="tabpanel" id={`panel-${tab.value}`} aria-labelledby={`tab-${tab.value}`}>
        {tab.value === 'code' && (
          <CodeEditor source={source.value} messages={messages.value} onEdit={edit} onRun={() => void check(true)} />
        )}
        {tab.value === 'changes' && <DiffView before={original.value.wgsl} after={text.value} />}
        {tab.value === 'bindings' && (
          <>
            <p class="soft">Written from the kernel's contract; it stands before the code, and is not edited.</p>
            <ReadOnlyCode text={original.value.bindings} label="Bindings of the kernel" isWgsl />
          </>
        )}
        {tab.value === 'wat' && <WatView />}
      </div>
      <Actions />
    </section>
  );
}

/** A run of what stands there, for ui.perfetto.dev. */
async function saveTrace(told: Signal<string>): Promise<void> {
  stop();
  const wanted = fork()!; // the button is there once a place is chosen
  await attempt(async () => {
    told.value = 'Running for the trace …';
    const trace = await engine.ask('trace', wanted);
    saveFile(`${wanted.kernel}.trace.json`, trace, 'application/json');
    told.value = 'The trace is saved; ui.perfetto.dev opens it.';
  });
}

/** Arrows go from tab to tab. */
function turn(event: KeyboardEvent, tab: Signal<Tab>): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  const names = Object.keys(TABS) as Tab[];
  tab.value = names[(names.indexOf(tab.value) + step + names.length) % names.length]!;
  document.getElementById(`tab-${tab.value}`)?.focus();
}

function Actions(): JSX.Element {
  const told = useSignal('');
  const isBusy = phase.value === 'checking' || phase.value === 'timing' || phase.value === 'compiling';
  const copy = async (what: string, make: () => Promise<string> | string): Promise<void> => {
    try {
      await navigator.clipboard.writeText(await make());
      told.value = `${what} copied.`;
    } catch {
      told.value = 'The browser does not allow copying here.';
    }
  };
  const link = async (): Promise<string> => {
    const hash = await linkOf(fork()!); // buttons are there once a place is chosen
    window.history.replaceState(null, '', hash);
    return location.href;
  };
  return (
    <div class="actions">
      <button type="button" class="primary" onClick={() => void check(true)}>
        Check, then time
      </button>
      {isBusy ? (
        <button type="button" onClick={stop}>
          Stop
        </button>
      ) : (
        <button type="button" onClick={() => void check()}>
          Check
        </button>
      )}
      <button type="button" disabled={!isEdited.value} onClick={restore}>
        Restore
      </button>
      <button type="button" disabled={!place.value} onClick={() => void copy('The link', link)}>
        Copy link
      </button>
      <button
        type="button"
        disabled={!place.value}
        onClick={() => void copy('The program', () => typescriptOf(fork()!, place.value!.title))}
      >
        Copy as TypeScript
      </button>
      <button type="button" disabled={!place.value} onClick={() => void saveTrace(told)}>
        Save a trace
      </button>
      <span class="soft" role="status">
        {told.value}
      </span>
      {silentSeconds.value >= 3 && (
        <p class="soft silent">
          Nothing heard from the GPU for {silentSeconds.value} s; it is given up after {patienceSeconds()}.{' '}
          <button type="button" class="link" onClick={() => engine.giveUp()}>
            Give up now
          </button>
        </p>
      )}
    </div>
  );
}
