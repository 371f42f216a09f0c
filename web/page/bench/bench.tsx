/** The view `?bench`: how fast sotto is in this browser. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import {
  type BenchReport,
  differencesOf,
  machineLine,
  readReport,
  reportCells,
  reportChart,
  reportTable,
  titleOf,
  wordsLine,
} from 'sotto/lab';
import { saveFile } from '../../shared/saveFile.ts';
import { type BenchWishes, configurationsOf, runBench } from './benchRun.ts';

/** Threads share memory, which pages without isolation have not. */
const threadsHere = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
const hasGpu = 'gpu' in navigator;

interface Form {
  readonly models: string;
  readonly cpu: boolean;
  readonly webgpu: boolean;
  readonly f32: boolean;
  readonly int8: boolean;
  readonly threads: string;
  readonly batches: string;
  readonly runs: string;
  readonly transcript: string;
}

const START: Form = {
  models: 'tiny',
  cpu: true,
  webgpu: false,
  f32: true,
  int8: true,
  threads: String(threadsHere),
  batches: '1',
  runs: '5',
  transcript: '',
};

/** @throws {Error} a sentence on what is wrong */
function wishesOf(form: Form, recording: File | undefined): BenchWishes {
  const list = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);
  const models = [...new Set(list(form.models))];
  const threads = [...new Set(list(form.threads).map(Number))];
  const batches = [...new Set(list(form.batches).map(Number))];
  const runs = Number(form.runs);
  const devices = (['cpu', 'webgpu'] as const).filter((device) => form[device]);
  const dtypes = (['f32', 'int8'] as const).filter((dtype) => form[dtype]);
  if (models.length === 0) throw new Error('Name at least one model, such as tiny.');
  if (devices.length === 0) throw new Error('Choose at least one device.');
  if (dtypes.length === 0) throw new Error('Choose at least one kind of weights.');
  if (form.cpu && (threads.length === 0 || threads.some((n) => !Number.isInteger(n) || n < 1 || n > threadsHere)))
    throw new Error(`Threads are whole numbers from 1 to ${threadsHere} here, such as ${threadsHere}.`);
  if (batches.length === 0 || batches.some((n) => !Number.isInteger(n) || n < 1 || n > 256))
    throw new Error('Windows at once are whole numbers from 1 to 256, such as 1,8.');
  if (!Number.isInteger(runs) || runs < 1 || runs > 100) throw new Error('Runs is a whole number from 1 to 100.');
  return { models, devices, dtypes, threads, batches, runs, recording, transcript: form.transcript };
}

export function Bench(): JSX.Element {
  const form = useSignal(START);
  const recording = useSignal<File | undefined>(undefined);
  const status = useSignal('');
  const fault = useSignal('');
  const report = useSignal<BenchReport | undefined>(undefined);
  const baseline = useSignal<BenchReport | undefined>(undefined);
  const running = useSignal<AbortController | undefined>(undefined);

  const start = async (event: Event): Promise<void> => {
    event.preventDefault();
    fault.value = '';
    const controller = new AbortController();
    try {
      const wishes = wishesOf(form.value, recording.value);
      running.value = controller;
      report.value = undefined;
      const count = configurationsOf(wishes).length * wishes.runs;
      let done = 0;
      report.value = await runBench(wishes, controller.signal, (configuration, run) => {
        status.value = `${done++} of ${count} measured; now ${titleOf(configuration)}, run ${run + 1} of ${wishes.runs}`;
      });
      status.value = 'All measured.';
    } catch (error) {
      status.value = controller.signal.aborted ? 'Stopped. Nothing was kept.' : '';
      if (!controller.signal.aborted) fault.value = error instanceof Error ? error.message : String(error);
    } finally {
      running.value = undefined;
    }
  };

  const compare = async (file: File | undefined): Promise<void> => {
    fault.value = '';
    try {
      baseline.value = file && readReport(await file.text(), file.name);
    } catch (error) {
      baseline.value = undefined;
      fault.value = error instanceof Error ? error.message : String(error);
    }
  };

  return (
    <main class="bench">
      <header>
        <h1>How fast is sotto in this browser?</h1>
        <p>
          Each row is loaded anew and transcribes twice, as often as you say; rows take turns. Everything runs here.
          Keep this tab in front while it measures. <a href="./">Back to transcribing</a>
        </p>
      </header>
      <form onSubmit={start}>
        <fieldset class="wishes" disabled={running.value !== undefined}>
          <legend>What to measure</legend>
          <TextField form={form} name="models" label="Models" hint="Names or addresses, with commas between them" />
          <Group label="Device">
            <Check form={form} name="cpu" label="CPU" />
            <Check form={form} name="webgpu" label={hasGpu ? 'GPU' : 'GPU (not in this browser)'} isOff={!hasGpu} />
          </Group>
          <Group label="Weights stored as">
            <Check form={form} name="f32" label="f32" />
            <Check form={form} name="int8" label="int8" />
          </Group>
          <TextField
            form={form}
            name="threads"
            label="Threads of the CPU"
            hint={threadsHere > 1 ? `1 to ${threadsHere}, with commas` : 'One: this page is not cross-origin isolated'}
          />
          <TextField
            form={form}
            name="batches"
            label="Windows at once"
            hint="1: one after another; 1,8 measures both. Of long recordings"
          />
          <TextField form={form} name="runs" label="Runs of each row" hint="Four at least to compare with a baseline" />
          <label class="field">
            <span>Recording</span>
            <input
              type="file"
              accept="audio/*,video/*"
              onChange={(event) => {
                recording.value = event.currentTarget.files?.[0];
              }}
            />
            <small>None: 11 s of an inaugural address</small>
          </label>
          <label class="field">
            <span>Compare with</span>
            <input
              type="file"
              name="baseline"
              accept="application/json,.json"
              onChange={(event) => compare(event.currentTarget.files?.[0])}
            />
            <small>A report that was saved before: is it quicker by more than the spread?</small>
          </label>
          {recording.value && (
            <label class="field wide">
              <span>What is said in it</span>
              <textarea
                rows={3}
                value={form.value.transcript}
                onInput={(event) => {
                  form.value = { ...form.value, transcript: event.currentTarget.value };
                }}
              />
              <small>For the word errors; may stay empty</small>
            </label>
          )}
        </fieldset>
        <p class="actions">
          {running.value ? (
            <button type="button" onClick={() => running.value?.abort()}>
              Stop
            </button>
          ) : (
            <button type="submit">Measure</button>
          )}
          <span role="status">{status.value}</span>
        </p>
        {fault.value && <p role="alert">{fault.value}</p>}
      </form>
      {report.value && <Result report={report.value} baseline={baseline.value} />}
    </main>
  );
}

interface FieldProps {
  readonly form: Signal<Form>;
  readonly label: string;
}

function TextField({
  form,
  name,
  label,
  hint,
}: FieldProps & { readonly name: 'models' | 'threads' | 'batches' | 'runs'; readonly hint: string }): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="text"
        name={name}
        value={form.value[name]}
        onInput={(event) => {
          form.value = { ...form.value, [name]: event.currentTarget.value };
        }}
      />
      <small>{hint}</small>
    </label>
  );
}

function Check({
  form,
  name,
  label,
  isOff = false,
}: FieldProps & { readonly name: 'cpu' | 'webgpu' | 'f32' | 'int8'; readonly isOff?: boolean }): JSX.Element {
  return (
    <label>
      <input
        type="checkbox"
        name={name}
        disabled={isOff}
        checked={form.value[name]}
        onChange={(event) => {
          form.value = { ...form.value, [name]: event.currentTarget.checked };
        }}
      />
      {label}
    </label>
  );
}

function Group({ label, children }: { readonly label: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <fieldset class="field">
      <legend>{label}</legend>
      <div class="checks">{children}</div>
    </fieldset>
  );
}

interface ResultProps {
  readonly report: BenchReport;
  readonly baseline: BenchReport | undefined;
}

function Result({ report, baseline }: ResultProps): JSX.Element {
  const chart = useSignal('');
  const copied = useSignal('');
  useSignalEffect(() => {
    const address = URL.createObjectURL(new Blob([reportChart(report)], { type: 'image/svg+xml' }));
    chart.value = address;
    return () => URL.revokeObjectURL(address);
  });
  const copy = async (what: string, text: string): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      copied.value = `${what} copied.`;
    } catch {
      copied.value = 'The browser does not allow copying here.';
    }
  };
  const { head, rows } = reportCells(report, baseline);
  const json = JSON.stringify(report, undefined, 1);
  const { name, seconds } = report.recording;
  return (
    <section aria-label="Result">
      <h2>
        {name}, {seconds.toFixed(1)} s
      </h2>
      <table>
        <thead>
          <tr>
            {head.map((cell) => (
              <th key={cell} scope="col">
                {cell || 'row'}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([title, ...cells]) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              {cells.map((cell, i) => (
                <td key={head[i + 1]} data-label={head[i + 1]}>
                  {cell || '–'}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p>
        {[
          wordsLine(report),
          `${machineLine(report.machine)}.`,
          ...(baseline ? differencesOf(report, baseline) : []),
        ].join(' ')}
      </p>
      {report.failures.map((failure) => (
        <p key={titleOf(failure)} class="failure">
          {titleOf(failure)} could not be measured: {failure.message}
        </p>
      ))}
      {rows.length > 0 && chart.value && (
        <img src={chart.value} alt="The later runs of the table above as bars" width={760} />
      )}
      <p class="actions">
        <button type="button" onClick={() => copy('The table', reportTable(report, 'markdown', baseline))}>
          Copy as Markdown
        </button>
        <button type="button" onClick={() => copy('The report', json)}>
          Copy as JSON
        </button>
        <button type="button" onClick={() => saveFile('sotto-bench.json', json, 'application/json')}>
          Save as JSON
        </button>
        <button type="button" onClick={() => copy('The chart', reportChart(report))}>
          Copy as SVG
        </button>
        <span role="status">{copied.value}</span>
      </p>
    </section>
  );
}
