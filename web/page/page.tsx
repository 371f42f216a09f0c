/** The page that transcribes: what is on it. */
import type { JSX } from 'preact';

export function Page(): JSX.Element {
  return (
    <main>
      <h1>sotto</h1>
    </main>
  );
}
