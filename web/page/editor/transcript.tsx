/** The transcript on the page: player, words, editing, find and replace, exports. */
import { useComputed, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { write } from 'sotto/core';
import type { TranscriptDocument } from '../transcriptDocument.ts';
import { Editor } from './editor.ts';
import { copy, ExportDialog } from './exportDialog.tsx';
import { toTranscript } from './exported.ts';
import { FindBar } from './findBar.tsx';
import { Icon, IconButton } from './icon.tsx';
import { pressKey } from './keys.ts';
import { KeysDialog } from './keysDialog.tsx';
import { PlayerBar } from './playerBar.tsx';
import { SegmentList } from './segmentList.tsx';

export function Transcript({ document }: { readonly document: TranscriptDocument }): JSX.Element {
  const editor = useMemo(() => new Editor(document), [document]);
  useEffect(() => () => editor.close(), [editor]);
  useEffect(() => listen(editor), [editor]);
  const isAway = useComputed(() => !editor.isFollowing.value && editor.player.isPlaying.value);
  const closeDialog = (): void => {
    editor.openDialog.value = undefined;
  };
  useSignalEffect(() => {
    if (editor.player.isPlaying.value) editor.isFollowing.value = true;
  });
  return (
    <section class="transcript" aria-label="Transcript and player">
      <div class="transcript-head">
        <PlayerBar editor={editor} />
        <Toolbar editor={editor} />
        {editor.isFinding.value && <FindBar editor={editor} />}
      </div>
      {document.segments.value.length === 0 ? (
        <p class="transcript-empty">
          {document.isBusy.value
            ? 'The first words are on their way.'
            : document.summary.value
              ? 'No speech was found.'
              : 'No words were found by then.'}
        </p>
      ) : (
        <SegmentList editor={editor} />
      )}
      {isAway.value && (
        <button
          type="button"
          class="follow primary"
          onClick={() => {
            editor.isFollowing.value = true;
          }}
        >
          Back to what is spoken
        </button>
      )}
      <p class="visually-hidden" role="status">
        {editor.message}
      </p>
      {editor.openDialog.value === 'export' && <ExportDialog editor={editor} onClose={closeDialog} />}
      {editor.openDialog.value === 'keys' && <KeysDialog onClose={closeDialog} />}
    </section>
  );
}

function Toolbar({ editor }: { readonly editor: Editor }): JSX.Element {
  const { document } = editor;
  const isEmpty = document.segments.value.length === 0;
  const copyText = (): void => {
    const { segments, language, summary } = document;
    void copy(editor, write(toTranscript(segments.value, language.value ?? '', summary.value), 'txt'));
  };
  return (
    <div class="toolbar">
      <IconButton
        name="undo"
        label="Undo"
        title="Undo (Ctrl+Z)"
        disabled={!editor.canUndo.value}
        onClick={() => editor.undo()}
      />
      <IconButton
        name="redo"
        label="Redo"
        title="Do again (Ctrl+Shift+Z)"
        disabled={!editor.canRedo.value}
        onClick={() => editor.redo()}
      />
      <button
        type="button"
        class="quiet"
        aria-label="Find"
        aria-expanded={editor.isFinding.value}
        title="Find and replace (/)"
        disabled={isEmpty}
        onClick={() => {
          editor.isFinding.value = !editor.isFinding.value;
        }}
      >
        <Icon name="find" /> <span>Find</span>
      </button>
      <IconButton
        name="keys"
        label="Keys"
        title="Keys (?)"
        onClick={() => {
          editor.openDialog.value = 'keys';
        }}
      />
      <span class="toolbar-gap" />
      <button type="button" aria-label="Copy text" title="Copy the text" disabled={isEmpty} onClick={copyText}>
        <Icon name="copy" /> <span>Copy text</span>
      </button>
      <button
        type="button"
        class="primary"
        disabled={isEmpty}
        onClick={() => {
          editor.message.value = '';
          editor.openDialog.value = 'export';
        }}
      >
        <Icon name="download" /> <span>Export</span>
      </button>
    </div>
  );
}

/** Keys, and the scrolling by hand that ends the following. */
function listen(editor: Editor): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const leave = (): void => {
    editor.isFollowing.value = false;
  };
  window.addEventListener(
    'keydown',
    (event) => {
      if (pressKey(editor, event)) event.preventDefault();
      else if (/^(Page(Up|Down)|Home|End)$/.test(event.key) && !event.defaultPrevented) leave();
    },
    { signal },
  );
  window.addEventListener('wheel', leave, { signal, passive: true });
  window.addEventListener('touchmove', leave, { signal, passive: true });
  return () => ending.abort();
}
