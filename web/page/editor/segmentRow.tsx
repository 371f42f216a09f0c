/** One segment: its time, who speaks, its words; or the form that edits it. */
import { useComputed } from '@preact/signals';
import { Fragment, type JSX } from 'preact';
import { clock } from '../times.ts';
import type { PageSegment } from '../transcriptDocument.ts';
import type { Editor } from './editor.ts';
import { IconButton } from './icon.tsx';
import { SegmentForm } from './segmentForm.tsx';

/** Words that the model was less sure of are marked. */
const UNSURE = 0.5;

interface Props {
  readonly editor: Editor;
  readonly segment: PageSegment;
}

/** Its signal makes it one that is rendered again only if the segment is another object, or is edited. */
export function SegmentRow({ editor, segment }: Props): JSX.Element {
  const { id, start, speaker, text, words, isEdited } = segment;
  const isOpen = useComputed(() => editor.editing.value === id);
  return (
    <li class="segment" data-segment={id} data-edited={isEdited === true}>
      <button type="button" class="segment-time" aria-label={`Go to ${clock(start)}`} onClick={() => go(editor, start)}>
        {clock(start)}
      </button>
      {isOpen.value ? (
        <SegmentForm editor={editor} segment={segment} />
      ) : (
        <>
          <div class="segment-body">
            {speaker !== undefined && <div class="segment-speaker">{speaker}</div>}
            <p class="segment-text" dir="auto">
              {words?.length ? (
                words.map((word, i) => (
                  <Fragment key={i}>
                    {/^\s*/.exec(word.text)?.[0]}
                    <span class="word" tabIndex={-1} data-word={i} data-unsure={(word.probability ?? 1) < UNSURE}>
                      {word.text.trimStart()}
                    </span>
                  </Fragment>
                ))
              ) : (
                <span class="word" tabIndex={-1} data-word={-1}>
                  {text}
                </span>
              )}
            </p>
          </div>
          <IconButton
            name="edit"
            class="segment-edit quiet"
            label={`Edit the text at ${clock(start)}`}
            title="Edit (E, or a double click)"
            onClick={() => {
              editor.editing.value = id;
            }}
          />
        </>
      )}
    </li>
  );
}

function go(editor: Editor, time: number): void {
  editor.isFollowing.value = true;
  editor.player.seek(time);
}
