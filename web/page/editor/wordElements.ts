/** Words as elements: from one to its segment and time, to the next, and back. */
import type { PageSegment } from '../transcriptDocument.ts';

/** Id of the segment that an element lies in. */
export function idOf(element: Element): number | undefined {
  const id = element.closest<HTMLElement>('[data-segment]')?.dataset.segment;
  return id === undefined ? undefined : Number(id);
}

/** Seconds at which a word begins, or a segment without words; undefined of anything else. */
export function timeOf(segments: readonly PageSegment[], element: HTMLElement): number | undefined {
  if (!element.matches('.word')) return undefined;
  const id = idOf(element);
  const segment = segments.find((one) => one.id === id);
  return segment?.words?.[Number(element.dataset.word)]?.start ?? segment?.start;
}

/** @param word its place in the segment; -1: the segment as a whole */
export function wordElement(list: Element, segment: number, word: number): HTMLElement | undefined {
  const words = list.querySelector(`[data-segment="${segment}"] .segment-text`)?.children;
  const element = words?.[Math.max(0, word)];
  return element instanceof HTMLElement ? element : undefined;
}

/** Where a key moves the focus to: arrows by words and segments, Home and End to those of the segment. */
export function nextWord(list: Element, word: HTMLElement, key: string): HTMLElement | undefined {
  const own = word.parentElement?.children;
  const isRightToLeft = getComputedStyle(word).direction === 'rtl';
  const [before, after] = isRightToLeft ? ['ArrowRight', 'ArrowLeft'] : ['ArrowLeft', 'ArrowRight'];
  const pick = (): Element | null | undefined => {
    if (key === before) return word.previousElementSibling ?? words(neighbour(list, word, -1)).at(-1);
    if (key === after) return word.nextElementSibling ?? words(neighbour(list, word, 1))[0];
    if (key === 'ArrowUp') return words(neighbour(list, word, -1))[0];
    if (key === 'ArrowDown') return words(neighbour(list, word, 1))[0];
    if (key === 'Home') return own?.[0];
    if (key === 'End') return own?.[own.length - 1];
    return undefined;
  };
  const next = pick();
  return next instanceof HTMLElement ? next : undefined;
}

function words(row: Element | undefined): readonly Element[] {
  return row ? [...row.querySelectorAll('.word')] : [];
}

/** The next segment that is not being edited. */
function neighbour(list: Element, word: Element, by: 1 | -1): Element | undefined {
  const rows = [...list.children];
  const own = word.closest('[data-segment]');
  for (let at = (own ? rows.indexOf(own) : -1) + by; rows[at]; at += by) {
    if (rows[at]?.querySelector('.word')) return rows[at];
  }
  return undefined;
}
