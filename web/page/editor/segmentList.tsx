/** The words of the transcript: they follow the sound, and a click or Enter on one goes there. */
import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX, TargetedKeyboardEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { PageSegment } from '../transcriptDocument.ts';
import type { Editor } from './editor.ts';
import { markMatches } from './markMatches.ts';
import { SegmentRow } from './segmentRow.tsx';
import { idOf, nextWord, timeOf, wordElement } from './wordElements.ts';

export function SegmentList({ editor }: { readonly editor: Editor }): JSX.Element {
  const list = useRef<HTMLOListElement>(null);
  const segments = useInTurns(editor.document.segments.value);
  useFollow(editor, list);
  useSignalEffect(() => {
    const current = Math.min(editor.currentMatch.value, editor.matches.value.length - 1);
    const [matches, shown] = [editor.matches.value, editor.document.segments.value];
    // After the rows are drawn.
    const frame = requestAnimationFrame(() => list.current && markMatches(list.current, shown, matches, current));
    return () => cancelAnimationFrame(frame);
  });
  const goTo = (target: EventTarget | null): boolean => {
    const time = target instanceof HTMLElement ? timeOf(editor.document.segments.value, target) : undefined;
    if (time === undefined) return false;
    editor.isFollowing.value = true;
    editor.player.seek(time);
    return true;
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLOListElement>): void => {
    const { target } = event;
    if (!(target instanceof HTMLElement) || !target.matches('.word')) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter') goTo(target);
    else if (event.key === 'e' || event.key === 'F2') editor.editing.value = idOf(target);
    else {
      const next = nextWord(event.currentTarget, target, event.key);
      if (!next) return;
      next.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const open = (target: EventTarget | null): void => {
    if (target instanceof HTMLElement && target.closest('.segment-text')) editor.editing.value = idOf(target);
  };
  return (
    <ol
      class="segments"
      ref={list}
      aria-label="Transcript"
      onClick={(event) => {
        // Who marks words with the mouse does not want to go there.
        if (getSelection()?.isCollapsed !== false) goTo(event.target);
      }}
      onDblClick={(event) => open(event.target)}
      onKeyDown={onKeyDown}
      onFocusIn={(event) => {
        if (event.target instanceof HTMLElement && event.target.matches('.word'))
          rove(event.currentTarget, event.target);
      }}
    >
      {segments.map((segment) => (
        <SegmentRow key={segment.id} editor={editor} segment={segment} />
      ))}
    </ol>
  );
}

/** Rows that are added in one turn: with their words about 10 ms of work. */
const ROWS_AT_ONCE = 40;

/** The first segments of a long list at once and the others in turns, so that the page answers in between. */
function useInTurns(segments: readonly PageSegment[]): readonly PageSegment[] {
  const shown = useSignal(ROWS_AT_ONCE);
  const count = shown.value;
  const isMore = count < segments.length;
  useEffect(() => {
    if (!isMore) return undefined;
    const turn = setTimeout(() => {
      shown.value += ROWS_AT_ONCE;
    });
    return () => clearTimeout(turn);
  }, [count, isMore]);
  return isMore ? segments.slice(0, count) : segments;
}

/** One word at a time is a stop of the Tab key: the last that had the focus. */
function rove(list: HTMLElement, word: HTMLElement): void {
  list.querySelector('.word[tabindex="0"]')?.setAttribute('tabindex', '-1');
  word.setAttribute('tabindex', '0');
}

/** Marks what is spoken: two elements are touched, whatever the number of words. */
function useFollow(editor: Editor, list: { readonly current: HTMLOListElement | null }): void {
  const marked = useRef<Element | undefined>(undefined);
  useSignalEffect(() => {
    const spot = editor.spots.value[editor.spoken.value];
    const segment = spot && editor.document.segments.value[spot.segment];
    const isFollowing = editor.isFollowing.value && editor.player.isPlaying.value;
    const frame = requestAnimationFrame(() => {
      if (!list.current) return;
      if (!list.current.querySelector('.word[tabindex="0"]'))
        list.current.querySelector('.word')?.setAttribute('tabindex', '0');
      const element = spot && segment ? wordElement(list.current, segment.id, spot.word) : undefined;
      if (marked.current !== element) {
        marked.current?.removeAttribute('data-spoken');
        element?.setAttribute('data-spoken', '');
        marked.current = element;
      }
      if (element && isFollowing) keepInView(element);
    });
    return () => cancelAnimationFrame(frame);
  });
}

/** Scrolls if the word comes near an edge: a page at a time, not with each line. */
function keepInView(element: Element): void {
  const { top, bottom } = element.getBoundingClientRect();
  if (top >= 0.25 * innerHeight && bottom <= 0.85 * innerHeight) return;
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  element.scrollIntoView({ block: 'center', behavior: isCalm ? 'auto' : 'smooth' });
}
