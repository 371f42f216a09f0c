/** The tokens of a text with their log-probabilities, as `include[]=logprobs` asks for them. */
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Segment } from '../transcribe/transcript.ts';

export interface TokenLogprob {
  /** U+FFFD for bytes that are a part of a character. */
  readonly token: string;
  readonly logprob: number;
  /** UTF-8. */
  readonly bytes: readonly number[];
}

/** Of the tokens that are text; time stamps have none. */
export function logprobsOf(
  segments: readonly Segment[],
  tokenizer: Pick<Tokenizer, 'bytesOf' | 'eot'>,
): TokenLogprob[] {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  return segments.flatMap(({ tokens, tokenLogprobs }) =>
    tokens.flatMap((token, i): TokenLogprob[] => {
      const bytes = token < tokenizer.eot ? tokenizer.bytesOf(token) : undefined;
      const logprob = tokenLogprobs[i];
      return bytes && logprob !== undefined ? [{ token: utf8.decode(bytes), logprob, bytes: [...bytes] }] : [];
    }),
  );
}
