/** Scenes of digits that batches read, and what is asked of them. */
import { digitFrames, layDigits, type SpokenDigit } from '../../support/digits.ts';

// The small tokenizer's symbols begin with a space, which would be suppressed with them.
export const always = { language: 'en', temperature: 0, batchSize: 4, suppressTokens: [0] } as const;

/** Long enough for a join where there is no pause; and for two. */
export const nFrames = 4600;
export const longer = 8200;

export const said = (digits: readonly SpokenDigit[]): string => digits.map(({ digit }) => ` ${digit}`).join('');

/** Digits without pauses, but for the closures of 60 ms between them, from `shift` on. */
export function unbroken(shift: number, digitOf: (i: number) => number, frames = nFrames): SpokenDigit[] {
  const count = Math.floor((frames - shift) / (digitFrames + 6));
  return layDigits(
    Array.from({ length: count }, (_, i) => digitOf(i)),
    (i) => (i === 0 ? shift : 6),
  );
}
