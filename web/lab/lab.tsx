/** The kernel lab: what is on it. */
import type { JSX } from 'preact';
import { kernels } from 'sotto/lab';

export function Lab(): JSX.Element {
  return (
    <main>
      <h1>sotto lab</h1>
      <p>{kernels.length} kernels</p>
    </main>
  );
}
