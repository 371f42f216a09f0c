/** Of a recording that is still made: the text after the last segment, of which the end may still change. */
import type { JSX } from 'preact';
import { isLive, live, transcript } from '../session.ts';

export function Live(): JSX.Element | null {
  const { stable, partial } = live.value;
  if (!isLive.value || (stable === '' && partial === '')) return null;
  return (
    <p class="live" lang={transcript.value?.language.value}>
      <span>{stable}</span>
      <span class="partial">{partial}</span>
    </p>
  );
}
