/**
 * A Whisper tokenizer as plain data: the contents of `tokenizer.json`, with GPT-2's printable alphabet already mapped back
 * to bytes. `checkpoint/tokenizerJson.ts` reads it from a model's files; `tokenizer.ts` makes the tokenizer of it.
 */
export interface TokenizerData {
  /** Ids the model's output has (`vocab_size`), timestamps included. */
  readonly nVocab: number;
  /** Bytes of all text tokens, concatenated in the order of their ids. */
  readonly tokenBytes: Uint8Array;
  /**
   * Text token `id` is `tokenBytes.subarray(tokenOffsets[id], tokenOffsets[id + 1])`; shape [nText + 1]. Ids from 0 to
   * nText - 1 without gaps: 50257 multilingual (the last one has no bytes), 50256 English-only. A token's id is its rank
   * among the merges, so the merges are not stored (checked when the file is read).
   */
  readonly tokenOffsets: Uint32Array;
  /**
   * Special tokens by their text: `<|endoftext|>`, `<|startoftranscript|>`, `<|en|>` ..., `<|translate|>`, `<|transcribe|>`,
   * `<|startoflm|>`, `<|startofprev|>`, `<|nospeech|>` (always under this name, whatever the file calls it),
   * `<|notimestamps|>`. The timestamps are not listed: they are the ids from `timestampBegin` on.
   */
  readonly specials: Readonly<Record<string, number>>;
  /** Id of `<|0.00|>`; `timestampBegin + t` is t * 0.02 s. */
  readonly timestampBegin: number;
}
