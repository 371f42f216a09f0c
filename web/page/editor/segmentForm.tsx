/** Edits one segment in its place: text, who speaks; splits it where the cursor is, joins it with the next, deletes it. */
import type { JSX, TargetedKeyboardEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { PageSegment } from '../transcriptDocument.ts';
import type { Editor } from './editor.ts';
import { mergeNext, remove, renameSpeaker, setSpeaker, setText, splitAt } from './segmentEdits.ts';

interface Props {
  readonly editor: Editor;
  readonly segment: PageSegment;
}

type Segments = readonly PageSegment[];

export function SegmentForm({ editor, segment }: Props): JSX.Element {
  const text = useRef<HTMLTextAreaElement>(null);
  const speaker = useRef<HTMLInputElement>(null);
  const everywhere = useRef<HTMLInputElement>(null);
  useEffect(() => {
    text.current?.focus();
  }, []);
  const close = (): void => {
    editor.editing.value = undefined;
    focusSegment(segment.id);
  };
  /** What stands in the form, and then one more change, as one step to undo. */
  const save = (then: (segments: Segments, at: number) => Segments = (segments) => segments): void => {
    const at = editor.placeOf(segment.id);
    if (at >= 0) {
      const name = speaker.current?.value ?? '';
      const written = setText(editor.document.segments.value, at, text.current?.value ?? '');
      const named =
        everywhere.current?.checked && segment.speaker !== undefined
          ? renameSpeaker(written, segment.speaker, name)
          : setSpeaker(written, at, name);
      editor.change(then(named, at));
    }
    close();
  };
  const splitHere = (): void =>
    save((segments, at) => {
      // The text in the form has no space at its front.
      const front = segments[at]!.text.length - segments[at]!.text.trimStart().length;
      return splitAt(segments, at, front + (text.current?.selectionStart ?? 0));
    });
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLFormElement>): void => {
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) splitHere();
    else if (event.key === 'Enter' && event.target instanceof HTMLTextAreaElement && !event.isComposing) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const isLast = editor.document.segments.value.at(-1)?.id === segment.id;
  return (
    <form
      class="segment-form"
      aria-label="Edit this segment"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        ref={text}
        class="segment-input"
        aria-label="Text"
        dir="auto"
        rows={3}
        defaultValue={segment.text.trim()}
      />
      <div class="segment-who">
        <label>
          Speaker
          <input ref={speaker} type="text" defaultValue={segment.speaker ?? ''} placeholder="nobody named" />
        </label>
        {segment.speaker !== undefined && (
          <label class="check">
            <input ref={everywhere} type="checkbox" />
            wherever {segment.speaker} speaks
          </label>
        )}
      </div>
      <div class="segment-actions">
        <button type="submit" class="primary">
          Save
        </button>
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button type="button" onClick={splitHere} title="Ctrl+Enter">
          Split at cursor
        </button>
        <button type="button" disabled={isLast} onClick={() => save(mergeNext)}>
          Join with next
        </button>
        <button type="button" class="danger" onClick={() => save(remove)}>
          Delete
        </button>
      </div>
    </form>
  );
}

/** Where the reader was before. The row is drawn again first. */
function focusSegment(id: number): void {
  requestAnimationFrame(() => {
    const row = document.querySelector(`[data-segment="${id}"]`);
    row?.querySelector<HTMLElement>('.word')?.focus();
  });
}
