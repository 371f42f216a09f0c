/**
 * Tokens of text that is not spoken: brackets around sound descriptions, music notes, list markers.
 *
 * @see openai/whisper, whisper/tokenizer.py: non_speech_tokens
 */
const SYMBOLS = [
  ...'"#()*+/:;<=>@[\\]^_`{|}~「」『』',
  ...'<< >> <<< >>> -- --- -( -[ (\' (" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪'.split(' '),
];
/** Notes from U+2640..267F: of their several tokens, to suppress the first one is enough. */
const NOTES = [...'♩♪♫♬♭♮♯'];

/** @returns the ids in ascending order */
export function nonSpeechTokens(encode: (text: string) => readonly number[]): number[] {
  // A hyphen and an apostrophe are allowed inside words, but not at the start of one.
  const ids = new Set<number>([encode(' -')[0]!, encode(" '")[0]!]);
  for (const symbol of [...SYMBOLS, ...NOTES]) {
    for (const tokens of [encode(symbol), encode(` ${symbol}`)]) {
      if (tokens.length === 1 || NOTES.includes(symbol)) ids.add(tokens[0]!);
    }
  }
  return [...ids].sort((a, b) => a - b);
}
