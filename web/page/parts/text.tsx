/** The text while it is found. */
import type { JSX } from 'preact';
import { isLive, live, transcript } from '../session.ts';
import { clock } from './times.ts';

export function Text(): JSX.Element | null {
  const document = transcript.value;
  if (!document) return null;
  const segments = document.segments.value;
  const { stable, partial } = live.value;
  return (
    <section class="text" aria-label="Transcript" lang={document.language.value}>
      <ol class="segments">
        {segments.map((segment) => (
          <li key={segment.id}>
            <span class="time">{clock(segment.start)}</span>
            <span>{segment.text.trim()}</span>
          </li>
        ))}
      </ol>
      {isLive.value && (stable !== '' || partial !== '') && (
        <p class="live">
          <span>{stable}</span>
          <span class="partial">{partial}</span>
        </p>
      )}
    </section>
  );
}
