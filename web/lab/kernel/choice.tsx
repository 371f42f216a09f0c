/** Which kernel, variant and case is on the bench, and what was edited before. */
import type { JSX } from 'preact';
import { facts } from '../session.ts';
import { forks, type KeptFork } from './forks.ts';
import { attempt, kernel, openFork, openKernel, openPlace, place, places } from './state.ts';

export function Choice(): JSX.Element {
  const variants = [...new Set(places.value.map(({ variant }) => variant))];
  const own = places.value.filter(({ variant }) => variant === place.value?.variant);
  return (
    <div class="choice">
      <label class="field">
        <span>Kernel</span>
        <select
          name="kernel"
          value={kernel.value}
          onChange={({ currentTarget: { value } }) => void attempt(() => openKernel(value))}
        >
          {facts.value?.kernels.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Variant</span>
        <select
          name="variant"
          value={place.value?.variant ?? ''}
          onChange={({ currentTarget: { value } }) => void attempt(() => openKernel(kernel.value, value))}
        >
          {variants.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="field wide">
        <span>Code for case</span>
        <select
          name="case"
          value={String(own.findIndex(({ title }) => title === place.value?.title))}
          onChange={({ currentTarget: { value } }) => void attempt(() => openPlace(own[Number(value)]!))}
        >
          {own.map((one, i) => (
            <option key={one.title} value={String(i)}>
              {one.caseIndex + 1}. {one.title}
            </option>
          ))}
        </select>
      </label>
      {forks.value.length > 0 && (
        <label class="field wide">
          <span>Your edits, kept in this browser</span>
          <select
            name="fork"
            value=""
            onChange={({ currentTarget }) => {
              const kept = forks.value[Number(currentTarget.value)];
              currentTarget.value = '';
              if (kept) void attempt(() => openFork(kept));
            }}
          >
            <option value="">open one …</option>
            {forks.value.map((one, i) => (
              <option key={one.at} value={String(i)}>
                {titleOf(one)}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}

function titleOf({ kernel: name, variant, caseIndex, at }: KeptFork): string {
  return `${name}/${variant}, case ${caseIndex + 1}, ${new Date(at).toLocaleString()}`;
}
