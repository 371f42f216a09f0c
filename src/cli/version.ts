/** What sotto's package.json says of it. */
import { readFileSync } from 'node:fs';

export interface Manifest {
  readonly version: string;
  readonly bugs?: { readonly url?: string };
}

export function manifest(): Manifest {
  const path = new URL('../../../package.json', import.meta.url);
  // Our own file: its shape is known.
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}
