/** The kernel as it is: cases x variants x devices, each checked, and timed where all of a device are right. */
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { CaseResult, TimedCase } from 'sotto/lab';
import type { DeviceKind, Told } from '../engine/messages.ts';
import { engine, facts, tell } from '../session.ts';
import { percent } from './roofline.tsx';
import { kernel, stop } from './state.ts';
import { figure } from './words.ts';

interface Column {
  readonly device: DeviceKind;
  readonly variant: string;
}

interface Found {
  readonly kernel: string;
  readonly cases: readonly (CaseResult & { readonly device: DeviceKind })[];
  readonly timings: readonly (TimedCase & { readonly device: DeviceKind })[];
}

const NONE: Found = { kernel: '', cases: [], timings: [] };
const TITLES: Readonly<Record<DeviceKind, string>> = { webgpu: 'GPU', cpu: 'CPU' };

export function SurveyPanel(): JSX.Element {
  const found: Signal<Found> = useSignal(NONE);
  const work = useSignal<AbortController | undefined>(undefined);
  const status = useSignal('');

  const run = async (time: boolean): Promise<void> => {
    stop();
    const controller = new AbortController();
    work.value = controller;
    found.value = { ...NONE, kernel: kernel.value };
    try {
      for (const device of ['cpu', 'webgpu'] as const) {
        const onTold = (told: Told): void => {
          if (told.kind === 'start') status.value = `${TITLES[device]}: ${told.done} of ${told.total}, ${told.title}`;
          else if (told.kind === 'stage') status.value = `${TITLES[device]}: ${told.text}`;
          else found.value = withTold(found.value, device, told);
        };
        const { right } = await engine.ask(
          'survey',
          { kernel: kernel.value, device, time },
          { signal: controller.signal, onTold },
        );
        status.value = right ? 'Right on both devices.' : 'Wrong: see the table.';
        if (!right) break;
      }
    } catch (error) {
      status.value = 'Stopped.';
      tell(error);
    }
    work.value = undefined;
  };

  return (
    <section class="panel survey" aria-label="All variants">
      <h2>All variants of {kernel.value}, on both devices</h2>
      <p class="soft">As they are, without your edit.</p>
      <p class="actions">
        {work.value ? (
          <button type="button" onClick={() => work.value?.abort()}>
            Stop
          </button>
        ) : (
          <>
            <button type="button" onClick={() => void run(false)}>
              Check all
            </button>
            <button type="button" onClick={() => void run(true)}>
              Check and time all
            </button>
          </>
        )}
        <span class="soft" role="status">
          {status.value}
        </span>
      </p>
      {found.value.cases.length > 0 && found.value.kernel === kernel.value && <SurveyTable found={found.value} />}
    </section>
  );
}

function withTold(found: Found, device: DeviceKind, told: Told): Found {
  if (told.kind === 'case') return { ...found, cases: [...found.cases, { ...told.result, device }] };
  if (told.kind === 'timing') return { ...found, timings: [...found.timings, { ...told.timing, device }] };
  return found;
}

function SurveyTable({ found: { cases, timings } }: { readonly found: Found }): JSX.Element {
  const columns: Column[] = [];
  for (const { device, place } of cases)
    if (!columns.some((one) => one.device === device && one.variant === place.variant))
      columns.push({ device, variant: place.variant });
  const titles = [...new Set([...cases, ...timings].map(({ place }) => place.title))];
  const isSoftware = facts.value?.gpu?.isSoftware;
  const cell = (title: string, { device, variant }: Column): JSX.Element => {
    const isOf = (one: CaseResult | TimedCase): boolean => one.place.title === title && one.place.variant === variant;
    const checked = cases.find((one) => one.device === device && isOf(one));
    const timed = timings.find((one) => one.device === device && isOf(one));
    return (
      <td class="number" key={`${device} ${variant}`}>
        {checked && (
          <span class={checked.right ? 'good-words' : 'bad-words'} title={checked.failures.join('; ')}>
            {checked.right ? 'right' : 'wrong'} {figure(Number(checked.worst.toPrecision(2)))}
          </span>
        )}
        {timed && (
          <>
            <br />
            {timed.bestMs.toFixed(3)} ms, {percent(timed.roofline)}
          </>
        )}
        {!checked && !timed && '–'}
      </td>
    );
  };
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">case (error over tolerance; best time, share of the roofline)</th>
            {columns.map(({ device, variant }) => (
              <th scope="col" class="number" key={`${device} ${variant}`}>
                {TITLES[device]}
                {device === 'webgpu' && isSoftware && ' (software)'}
                <br />
                {variant}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {titles.map((title) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              {columns.map((column) => cell(title, column))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
