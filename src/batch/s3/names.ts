/** Names of outputs below a folder or a prefix, from keys that may hold anything. */
import { createHash } from 'node:crypto';

/** Of most file systems 255, less the longest extension and a number. */
const MAX_PART_BYTES = 220;

/**
 * A key as a path that stays below the folder it is put to: its parts `.`, `..` and empty ones, and characters that no file
 * may have, become `_`; a part that is too long is cut, with a mark of what it was.
 */
export function pathOfKey(key: string): string {
  return key.split('/').map(safePart).join('/');
}

function safePart(part: string): string {
  if (part === '' || part === '.' || part === '..') return '_';
  // Control characters, lone halves of surrogate pairs, and what is a folder on some systems.
  const clean = part.replace(/[\p{Cc}\p{Surrogate}\\]/gu, '_');
  if (Buffer.byteLength(clean) <= MAX_PART_BYTES) return clean;
  const mark = createHash('sha256').update(part).digest('hex').slice(0, 12);
  let kept = '';
  for (const character of clean) {
    if (Buffer.byteLength(kept + character) > MAX_PART_BYTES - mark.length - 1) break;
    kept += character;
  }
  return `${kept}-${mark}`;
}
