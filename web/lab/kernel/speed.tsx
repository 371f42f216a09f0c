/** How fast: the roofline with all versions that were timed, their figures, and versions compared in turn. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { facts } from '../session.ts';
import { percent, Roofline } from './roofline.tsx';
import { attempt, kernel, openFork, original, peaks, place, timings } from './state.ts';
import { compareInTurn, comparison, isComparing, OWN, type TimedVersion, versions } from './versions.ts';

export function Speed(): JSX.Element | null {
  if (!peaks.value || versions.value.length === 0) return null;
  const latest = versions.value.at(-1);
  const points = versions.value.flatMap(({ name, timings: timed }) =>
    timed.map((timing) => ({ name, timing, isCurrent: name === latest?.name })),
  );
  return (
    <section class="panel speed" aria-label="Speed">
      <h2>Speed {facts.value?.gpu?.isSoftware && <span class="chip">software: says nothing about GPUs</span>}</h2>
      <Roofline peaks={peaks.value} points={points} />
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">version, case</th>
              {['best ms', 'median', 'GFLOP/s', 'GB/s', 'of the roofline'].map((title) => (
                <th key={title} scope="col" class="number">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{versions.value.map((version) => rowsOf(version))}</tbody>
        </table>
      </div>
      <InTurn />
    </section>
  );
}

function rowsOf({ name, fork, timings: timed }: TimedVersion): JSX.Element[] {
  return timed.map(({ place: at, bestMs, medianMs, gflops, gigabytes, roofline }) => (
    <tr key={`${name} ${at.title}`}>
      <th scope="row">
        <button type="button" class="link" onClick={() => void attempt(() => openFork(fork))}>
          {name}
        </button>
        , {at.title}
      </th>
      <td class="number">{bestMs.toFixed(3)}</td>
      <td class="number">{medianMs.toFixed(3)}</td>
      <td class="number">{gflops.toFixed(1)}</td>
      <td class="number">{gigabytes.toFixed(1)}</td>
      <td class="number">{percent(roofline)}</td>
    </tr>
  ));
}

function InTurn(): JSX.Element | null {
  const work = useSignal<AbortController | undefined>(undefined);
  const edits = versions.value.filter(({ name }) => name !== OWN);
  const timed = timings.value.map(({ place: at }) => at);
  if (edits.length === 0 || timed.length === 0 || !place.value) return null;
  const { variant, caseIndex, storage } = place.value;
  const own = { kernel: kernel.value, variant, caseIndex, storage, wgsl: original.value.wgsl };
  return (
    <div class="in-turn">
      <p class="row">
        {isComparing.value ? (
          <button type="button" onClick={() => work.value?.abort()}>
            Stop
          </button>
        ) : (
          timed.map((at) => (
            <button
              key={at.title}
              type="button"
              onClick={() => {
                work.value = new AbortController();
                void compareInTurn(own, at, work.value.signal);
              }}
            >
              Compare in turn: {at.title}
            </button>
          ))
        )}
      </p>
      <p class="soft" role="status">
        {isComparing.value && 'Own code, edits, own code, edits …'}
      </p>
      {comparison.value && (
        <ul>
          {comparison.value.names.slice(1).map((name, i) => {
            const { ratio, ratioRange } = comparison.value!.timed[i + 1]!;
            return (
              <li key={name}>
                <b>{name}</b> takes {ratio.toFixed(3)} of the time of the own code (eight of ten rounds between{' '}
                {ratioRange[0].toFixed(3)} and {ratioRange[1].toFixed(3)}), {comparison.value!.place.title}:{' '}
                {ratioRange[1] < 1 ? 'faster.' : ratioRange[0] > 1 ? 'slower.' : 'no difference that can be told.'}
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
