/** The version of sotto, as its package.json has it. */
import { readFileSync } from 'node:fs';

export function version(): string {
  const path = new URL('../../../package.json', import.meta.url);
  // Our own file: its shape is known.
  const { version: text } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return text;
}
