/** Shows what find found, as ranges that the browser paints: no element is touched. */
import type { PageSegment } from '../transcriptDocument.ts';
import type { Match } from './find.ts';

/** @param current place in `matches` of the one to scroll to, or -1 */
export function markMatches(
  list: Element,
  segments: readonly PageSegment[],
  matches: readonly Match[],
  current: number,
): void {
  const rows = new Map([...list.children].map((row) => [row.getAttribute('data-segment'), row]));
  const ranges = matches.map((match) => {
    const row = rows.get(String(segments[match.segment]?.id));
    return row ? rangeOf(row, match) : undefined;
  });
  const chosen = ranges[current];
  chosen?.startContainer.parentElement?.scrollIntoView({ block: 'center' });
  // Firefox has it since 140, Safari since 17.2; without it the page still scrolls to each match.
  if (typeof Highlight === 'undefined') return;
  const others = ranges.filter((range, i): range is Range => range !== undefined && i !== current);
  CSS.highlights.set('found', new Highlight(...others));
  CSS.highlights.set('found-current', new Highlight(...(chosen ? [chosen] : [])));
}

/** The text nodes of a row's text are together the segment's text. */
function rangeOf(row: Element, { start, end }: Match): Range | undefined {
  const text = row.querySelector('.segment-text');
  if (!text) return undefined; // it is being edited
  const range = document.createRange();
  const nodes = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  let at = 0;
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    const length = node.nodeValue?.length ?? 0;
    if (start >= at && start < at + length) range.setStart(node, start - at);
    if (end > at && end <= at + length) {
      range.setEnd(node, end - at);
      return range;
    }
    at += length;
  }
  return undefined;
}
