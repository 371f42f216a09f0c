/** How repetitive a text is, to detect a decoder that is stuck in a loop. */
import { deflateLength } from './deflateLength.ts';

/**
 * UTF-8 bytes of the text divided by their size after zlib; 0 for an empty text.
 *
 * @see openai/whisper, whisper/utils.py: compression_ratio
 */
export function compressionRatio(text: string): number {
  const bytes = new TextEncoder().encode(text);
  return bytes.length / deflateLength(bytes);
}
