/** The lab: its head, what the machine is, and the view that is chosen. */
import { type Signal, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { theme, turnTheme } from '../shared/theme.ts';
import { InspectView } from './inspect/inspectView.tsx';
import { KernelView } from './kernel/kernelView.tsx';
import { ProgramView } from './program/programView.tsx';
import { choosePatience, chosenPatience, facts, patienceSeconds, trouble } from './session.ts';

const VIEWS = { kernel: 'One kernel', program: 'A whole program', inspect: 'Inside a recording' } as const;
type View = keyof typeof VIEWS;

const view: Signal<View> = signal('kernel');

export function Lab(): JSX.Element {
  return (
    <div class="lab">
      <Head />
      <main>
        {trouble.value && (
          <div class="trouble" role="alert">
            <p>{trouble.value}</p>
            <button
              type="button"
              onClick={() => {
                trouble.value = '';
              }}
            >
              Close
            </button>
          </div>
        )}
        {facts.value?.refusal && (
          <p class="trouble">
            WGSL cannot run here: {facts.value.refusal} Chrome and Edge have WebGPU, Firefox and Safari in their latest
            versions.
          </p>
        )}
        <nav class="views" aria-label="Views">
          {(Object.keys(VIEWS) as View[]).map((name) => (
            <button
              key={name}
              type="button"
              aria-current={view.value === name ? 'page' : undefined}
              onClick={() => {
                view.value = name;
              }}
            >
              {VIEWS[name]}
            </button>
          ))}
        </nav>
        {view.value === 'kernel' && facts.value?.gpu && <KernelView />}
        {view.value === 'program' && <ProgramView />}
        {view.value === 'inspect' && <InspectView />}
        {!facts.value && <p class="soft">Opening the GPU …</p>}
      </main>
      <footer class="soft">
        <label>
          Give up on code that does not answer for{' '}
          <input
            type="number"
            name="patience"
            min="1"
            value={String(chosenPatience.value ?? patienceSeconds())}
            onChange={({ currentTarget }) => choosePatience(Number(currentTarget.value))}
          />{' '}
          seconds
        </label>
      </footer>
    </div>
  );
}

function Head(): JSX.Element {
  const gpu = facts.value?.gpu;
  return (
    <header class="head">
      <h1 class="name">
        <img src="../icon.svg" alt="" width="28" height="28" /> Kernel lab
      </h1>
      {gpu && (
        <p class="device">
          {gpu.isSoftware && <span class="chip">software</span>}
          <span>{gpu.description}</span>
          {gpu.isSoftware && <span>: a CPU that plays a GPU. Right and wrong hold; times say nothing about GPUs.</span>}
        </p>
      )}
      <a href="../">Transcribe</a>
      <button type="button" onClick={turnTheme}>
        Theme: {theme.value}
      </button>
    </header>
  );
}
