/** The models that are on this device: their sizes, the room they take, and a way to be rid of them. */
import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { KeptModel } from 'sotto';
import { models, phase } from '../session.ts';
import { bytes } from './bytes.ts';
import { keptFailure, keptModels, refreshKept, removeKept, space } from './models.ts';

export function ModelsPanel(): JSX.Element {
  const summary = useRef<HTMLElement>(null);
  const said = useSignal('');
  useSignalEffect(() => {
    // What was being fetched is here, or a part of it.
    if (phase.value !== 'loading') void refreshKept();
  });
  const kept = keptModels.value ?? [];
  const remove = async (model: KeptModel): Promise<void> => {
    // The button that has the focus is about to go.
    summary.current?.focus();
    await removeKept(model);
    said.value = `${labelOf(model)} was deleted.`;
  };
  return (
    <details class="kept" onToggle={({ currentTarget }) => void (currentTarget.open && refreshKept())}>
      <summary ref={summary}>
        Models on this device <span class="soft">{kept.length > 0 ? kept.length : ''}</span>
      </summary>
      <div class="kept-body">
        {keptFailure.value !== '' && <p class="soft">{keptFailure}</p>}
        {keptFailure.value === '' && kept.length === 0 && (
          <p class="soft">None yet. A model that is used stays here, and works without a network from then on.</p>
        )}
        {kept.length > 0 && (
          <ul class="kept-list">
            {kept.map((model) => (
              <li key={model.place}>
                <span class="kept-name">{labelOf(model)}</span>
                <span class="soft">{sizeOf(model)}</span>
                <button type="button" aria-label={`Delete ${labelOf(model)}`} onClick={() => remove(model)}>
                  Delete
                </button>
              </li>
            ))}
          </ul>
        )}
        {space.value && (
          <>
            <meter aria-label="Room that is used" min={0} max={space.value.quota} value={space.value.used} />
            <p class="soft kept-room">
              {bytes(space.value.used)} of the {bytes(space.value.quota)} that this browser gives the page are used.{' '}
              {space.value.isPersistent
                ? 'The browser keeps them until you delete them.'
                : 'The browser may clear them when the disk is full.'}
            </p>
          </>
        )}
        <p class="visually-hidden" role="status">
          {said}
        </p>
      </div>
    </details>
  );
}

function labelOf({ model }: KeptModel): string {
  const offered = models.find((each) => each.model === model);
  return offered?.label ?? model.replace(/\/+$/, '').replace(/^.*\//, '');
}

function sizeOf({ bytes: here, totalBytes, isWhole }: KeptModel): string {
  return isWhole ? bytes(totalBytes) : `${bytes(here)} of ${bytes(totalBytes)}: the rest is fetched when it is used`;
}
