/** Which kernel, variant and case is on the bench, and what was edited before. */
import type { JSX } from 'preact';
import { ChoiceField } from '../parts/choiceField.tsx';
import { facts } from '../session.ts';
import { forks, type KeptFork } from './forks.ts';
import { attempt, kernel, openFork, openKernel, openPlace, place, places } from './state.ts';

export function Choice(): JSX.Element {
  const variants = [...new Set(places.value.map(({ variant }) => variant))];
  const own = places.value.filter(({ variant }) => variant === place.value?.variant);
  return (
    <div class="choice">
      <ChoiceField
        label="Kernel"
        name="kernel"
        value={kernel.value}
        choices={facts.value?.kernels.map(({ name }) => [name, name] as const) ?? []}
        onChoose={(name) => void attempt(() => openKernel(name))}
      />
      <ChoiceField
        label="Variant"
        name="variant"
        value={place.value?.variant ?? ''}
        choices={variants.map((name) => [name, name] as const)}
        onChoose={(name) => void attempt(() => openKernel(kernel.value, name))}
      />
      <ChoiceField
        label="Code for case"
        name="case"
        look="wide"
        value={String(own.findIndex(({ title }) => title === place.value?.title))}
        choices={own.map(({ caseIndex, title }, i) => [String(i), `${caseIndex + 1}. ${title}`] as const)}
        onChoose={(i) => void attempt(() => openPlace(own[Number(i)]!))}
      />
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
