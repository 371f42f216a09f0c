/** Looking inside a recording: a window, its sound, attention, candidates and beams, drawn. */
import { type Signal, signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Drawing, FromInspector, Inspected, InspectWish } from './messages.ts';

interface Form {
  readonly model: string;
  readonly at: string;
  readonly layer: string;
  readonly head: string;
  readonly beams: string;
}

const FIELDS: readonly (readonly [name: keyof Form, label: string, mode: 'url' | 'decimal'])[] = [
  ['model', 'Model, by name or address', 'url'],
  ['at', 'At second', 'decimal'],
  ['layer', 'Layer of the decoder', 'decimal'],
  ['head', 'Head', 'decimal'],
  ['beams', 'Beams', 'decimal'],
];

const form: Signal<Form> = signal({
  model: new URLSearchParams(location.search).get('model') ?? 'tiny',
  at: '0',
  layer: '2',
  head: '2',
  beams: '5',
});
const status = signal('');
const fault = signal('');
const found: Signal<Inspected | undefined> = signal(undefined);
const isBusy = signal(false);
let worker: Worker | undefined;

function start(wish: InspectWish): void {
  // The build writes into the page how the worker's file is called.
  worker ??= new Worker(new URL(document.body.dataset.inspector ?? '', document.baseURI), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<FromInspector>) => {
    if (data.kind === 'stage') status.value = data.text;
    else if (data.kind === 'done') {
      found.value = data.inspected;
      end('');
    } else end(data.message);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    worker?.terminate();
    worker = undefined;
    end(event.message || 'The worker could not be loaded. Reload the page.');
  };
  isBusy.value = true;
  fault.value = '';
  worker.postMessage(wish);
}

function end(message: string): void {
  fault.value = message;
  status.value = '';
  isBusy.value = false;
}

function stop(): void {
  worker?.terminate();
  worker = undefined;
  end('');
}

export function InspectView(): JSX.Element {
  const recording = useSignal<File | undefined>(undefined);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    // What the site has for its bench, where nothing else was chosen.
    const audio = recording.value ?? (await (await fetch('../jfk.wav')).blob());
    const { model, at, layer, head, beams } = form.value;
    start({ model, audio, at: Number(at), layer: Number(layer), head: Number(head), beams: Number(beams) });
  };
  return (
    <section class="panel inspect" aria-label="Inside a recording">
      <h2>Inside a recording</h2>
      <form class="choice" onSubmit={(event) => void submit(event)}>
        <label class="field">
          <span>Recording; none: 11 s of an inaugural address</span>
          <input
            type="file"
            accept="audio/*,video/*"
            onChange={({ currentTarget }) => {
              recording.value = currentTarget.files?.[0];
            }}
          />
        </label>
        {FIELDS.map(([name, label, mode]) => (
          <label class="field" key={name}>
            <span>{label}</span>
            <input
              type="text"
              inputMode={mode}
              name={name}
              value={form.value[name]}
              onInput={({ currentTarget }) => {
                form.value = { ...form.value, [name]: currentTarget.value };
              }}
            />
          </label>
        ))}
        <p class="actions">
          {isBusy.value ? (
            <button type="button" onClick={stop}>
              Stop
            </button>
          ) : (
            <button type="submit" class="primary">
              Look
            </button>
          )}
        </p>
      </form>
      <p class="soft" role="status">
        {status.value}
      </p>
      {fault.value && (
        <p class="bad-words" role="alert">
          {fault.value}
        </p>
      )}
      {found.value && <Drawings inspected={found.value} />}
    </section>
  );
}

function Drawings({ inspected: { text, span, drawings } }: { readonly inspected: Inspected }): JSX.Element {
  return (
    <>
      <p>
        <b>{span}</b>: {text || 'no text'}
      </p>
      {drawings.map((drawing) => (
        <DrawingFigure key={drawing.title} drawing={drawing} />
      ))}
    </>
  );
}

function DrawingFigure({ drawing }: { readonly drawing: Drawing }): JSX.Element | null {
  const address = useSignal('');
  useEffect(() => {
    const url = URL.createObjectURL(new Blob([drawing.svg], { type: 'image/svg+xml' }));
    address.value = url;
    return () => URL.revokeObjectURL(url);
  }, [drawing]);
  if (drawing.svg === '') return null;
  const parsed = new DOMParser().parseFromString(drawing.svg, 'image/svg+xml');
  const description = parsed.querySelector('desc')?.textContent ?? drawing.title;
  return (
    <figure class="drawing">
      <figcaption class="row">
        <h3>{drawing.title}</h3>
        {address.value && (
          <a href={address.value} download={`${drawing.title}.svg`}>
            Save as SVG
          </a>
        )}
      </figcaption>
      <div class="scroll">
        {address.value && (
          <a href={address.value} target="_blank" rel="noopener">
            <img src={address.value} alt={description} />
          </a>
        )}
      </div>
    </figure>
  );
}
