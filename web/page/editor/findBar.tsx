/** Find and replace. */
import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Editor } from './editor.ts';
import { IconButton } from './icon.tsx';

export function FindBar({ editor }: { readonly editor: Editor }): JSX.Element {
  const query = useRef<HTMLInputElement>(null);
  const replacement = useSignal('');
  useEffect(() => {
    query.current?.select();
  }, []);
  const { find, matches, currentMatch } = editor;
  const set = (part: Partial<typeof find.value>): void => {
    find.value = { ...find.value, ...part };
    currentMatch.value = 0;
  };
  const count = useComputed(() => {
    const { length } = matches.value;
    if (find.value.query.trim() === '') return '';
    return length === 0 ? 'No match' : `${Math.min(currentMatch.value, length - 1) + 1} of ${length}`;
  });
  const isNone = matches.value.length === 0;
  const close = (): void => {
    editor.isFinding.value = false;
    // Where the focus was before.
    document.querySelector<HTMLElement>('.toolbar [aria-label="Find"]')?.focus();
  };
  /** @param replace may leave no match: its button is then disabled, and would lose the focus to nothing */
  const andStay = (replace: () => void): void => {
    replace();
    if (matches.value.length === 0) query.current?.focus();
  };
  return (
    <search
      class="find"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        close();
      }}
    >
      <div class="find-row">
        <input
          ref={query}
          type="text"
          aria-label="Find"
          placeholder="Find"
          value={find.value.query}
          onInput={(event) => set({ query: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 'Enter') editor.stepMatch(event.shiftKey ? -1 : 1);
          }}
        />
        <output class="find-count" aria-live="polite">
          {count}
        </output>
        <IconButton
          name="up"
          label="Previous match"
          title="Shift+Enter"
          disabled={isNone}
          onClick={() => editor.stepMatch(-1)}
        />
        <IconButton
          name="down"
          label="Next match"
          title="Enter"
          disabled={isNone}
          onClick={() => editor.stepMatch(1)}
        />
        <IconButton name="close" label="Close find" title="Esc" onClick={close} />
      </div>
      <div class="find-row">
        <input
          type="text"
          aria-label="Replace with"
          placeholder="Replace with"
          value={replacement.value}
          onInput={(event) => {
            replacement.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') editor.replaceCurrent(replacement.value);
          }}
        />
        <button type="button" disabled={isNone} onClick={() => andStay(() => editor.replaceCurrent(replacement.value))}>
          Replace
        </button>
        <button type="button" disabled={isNone} onClick={() => andStay(() => editor.replaceEach(replacement.value))}>
          All
        </button>
      </div>
      <div class="find-row find-options">
        <label class="check">
          <input
            type="checkbox"
            checked={find.value.matchCase}
            onChange={(event) => set({ matchCase: event.currentTarget.checked })}
          />
          Match case
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={find.value.wholeWord}
            onChange={(event) => set({ wholeWord: event.currentTarget.checked })}
          />
          Whole words
        </label>
      </div>
    </search>
  );
}
