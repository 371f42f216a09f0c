/**
 * The prompt of each window: the text before it, and what the options add.
 *
 * @see openai/whisper, whisper/transcribe.py: all_tokens, prompt_reset_since
 */
import { strip } from '../../base/python.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import type { SpeechModel } from '../speechModel.ts';

export type PromptSettings = Pick<
  ResolvedTranscribeOptions,
  'initialPrompt' | 'carryInitialPrompt' | 'hotwords' | 'conditionOnPreviousText' | 'promptResetOnTemperature'
>;

/** An empty history. */
export function promptHistory({ inference, tokenizer }: SpeechModel, options: PromptSettings): PromptHistory {
  const capacity = (inference.nTextCtx >> 1) - 1;
  return new PromptHistory({
    initial: promptTokens(tokenizer, options.initialPrompt),
    carry: options.carryInitialPrompt,
    hotwords: promptTokens(tokenizer, options.hotwords).slice(0, capacity),
    condition: options.conditionOnPreviousText,
    resetAbove: options.promptResetOnTemperature,
    capacity,
  });
}

interface HistoryOptions {
  /** Tokens of the initial prompt: text that precedes the first window. */
  readonly initial: readonly number[];
  /** Put it into every prompt. */
  readonly carry: boolean;
  /** Tokens that begin every prompt (faster-whisper's hotwords). */
  readonly hotwords: readonly number[];
  /** Put the text of the windows before into the prompt. */
  readonly condition: boolean;
  /** The text of a window decoded at a temperature above this one is not put into a prompt. */
  readonly resetAbove: number;
  /** Tokens a prompt can have at most. */
  readonly capacity: number;
}

export class PromptHistory {
  readonly #options: HistoryOptions;
  /** Part of every prompt. */
  readonly #fixed: readonly number[];
  /** The initial prompt, then the tokens of all windows. */
  readonly #all: number[];
  #resetSince = 0;

  constructor(options: HistoryOptions) {
    const { initial, carry, hotwords } = options;
    this.#options = options;
    this.#fixed = [...hotwords, ...(carry ? initial : [])];
    this.#all = [...initial];
  }

  /** Prompt of the next window. */
  get prompt(): number[] {
    const { initial, carry, capacity } = this.#options;
    const previous = this.#all.slice(Math.max(carry ? initial.length : 0, this.#resetSince));
    if (this.#fixed.length === 0) return previous;
    // slice(-0) would be all of it.
    const room = Math.max(0, capacity - this.#fixed.length);
    return [...this.#fixed, ...previous.slice(Math.max(0, previous.length - room))];
  }

  /** Adds the tokens of a window, timestamps included. */
  add(tokens: readonly number[], temperature: number): void {
    for (const token of tokens) this.#all.push(token);
    const { condition, resetAbove } = this.#options;
    if (!condition || temperature > resetAbove) this.#resetSince = this.#all.length;
  }

  /** Drops the tokens that no prompt will need any more; `tokens` is not complete from then on. */
  forget(): void {
    const first = this.#options.initial.length;
    const surplus = this.#all.length - first - this.#options.capacity;
    if (surplus <= 0) return;
    this.#all.splice(first, surplus);
    this.#resetSince = Math.max(Math.min(this.#resetSince, first), this.#resetSince - surplus);
  }

  /** Of all windows so far. */
  get tokens(): readonly number[] {
    return this.#all.slice(this.#options.initial.length);
  }
}

/** Tokens of a text in a prompt; none for undefined. */
function promptTokens(tokenizer: Tokenizer, text: string | undefined): number[] {
  return text === undefined ? [] : tokenizer.encode(` ${strip(text)}`);
}
