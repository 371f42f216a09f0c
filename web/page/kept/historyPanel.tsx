/** The transcripts of earlier visits: to open again, and to delete. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { languageName } from 'sotto/core';
import { clock } from '../times.ts';
import { deleteHistory, deleteTranscript, history, historyFailure, keepHistory, openTranscript } from './history.ts';
import type { KeptEntry } from './transcriptStore.ts';

export function HistoryPanel(): JSX.Element {
  const summary = useRef<HTMLElement>(null);
  const said = useSignal('');
  const isAsking = useSignal(false);
  useEffect(keepHistory, []);
  const entries = history.value ?? [];
  const remove = async (entry: KeptEntry): Promise<void> => {
    // The button that has the focus is about to go.
    summary.current?.focus();
    await deleteTranscript(entry);
    said.value = `${entry.name} was deleted.`;
  };
  const removeAll = async (): Promise<void> => {
    isAsking.value = false;
    summary.current?.focus();
    await deleteHistory();
    said.value = 'All transcripts were deleted.';
  };
  return (
    <details class="kept history">
      <summary ref={summary}>
        Transcripts on this device <span class="soft">{entries.length > 0 ? entries.length : ''}</span>
      </summary>
      <div class="kept-body">
        {historyFailure.value !== '' && <p class="soft">{historyFailure}</p>}
        {historyFailure.value === '' && entries.length === 0 && (
          <p class="soft">None yet. What is transcribed here stays here, with your edits, until you delete it.</p>
        )}
        {entries.length > 0 && (
          <ul class="kept-list">
            {entries.map((entry) => (
              <li key={entry.id}>
                <button type="button" class="kept-open" onClick={() => openTranscript(entry)}>
                  <span class="kept-name">{entry.name}</span>
                  <span class="soft">{factsOf(entry)}</span>
                  <span class="soft kept-beginning" lang={entry.language}>
                    {entry.beginning}
                  </span>
                </button>
                <button type="button" aria-label={`Delete ${entry.name}`} onClick={() => remove(entry)}>
                  Delete
                </button>
              </li>
            ))}
          </ul>
        )}
        {entries.length > 1 && !isAsking.value && (
          <p>
            <button type="button" onClick={() => (isAsking.value = true)}>
              Delete all
            </button>
          </p>
        )}
        {isAsking.value && (
          <p class="row" role="alert">
            Delete all {entries.length} transcripts?
            <button type="button" class="primary" onClick={removeAll}>
              Yes, delete them
            </button>
            <button type="button" onClick={() => (isAsking.value = false)}>
              Keep them
            </button>
          </p>
        )}
        <p class="visually-hidden" role="status">
          {said}
        </p>
      </div>
    </details>
  );
}

function factsOf({ made, duration, language }: KeptEntry): string {
  const date = new Date(made).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
  const name = language === undefined ? undefined : languageName(language);
  return [date, clock(duration), name && name.charAt(0).toUpperCase() + name.slice(1)].filter(Boolean).join(' · ');
}
