/** How repetitive a text is: the sign by which a decoder stuck in a loop is known. */
import { deflateLength } from './deflateLength.ts';

/**
 * UTF-8 bytes of the text over the bytes zlib makes of them; 0 for an empty text.
 *
 * @see openai/whisper, whisper/utils.py: compression_ratio
 */
export function compressionRatio(text: string): number {
  const bytes = new TextEncoder().encode(text);
  return bytes.length / deflateLength(bytes);
}
