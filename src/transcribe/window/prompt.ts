/**
 * What each window is shown of the text before it.
 *
 * @see openai/whisper, whisper/transcribe.py: all_tokens, prompt_reset_since
 */
import { strip } from '../../base/python.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import type { Transcriber } from './window.ts';

type PromptSettings = Pick<
  ResolvedTranscribeOptions,
  'initialPrompt' | 'carryInitialPrompt' | 'hotwords' | 'conditionOnPreviousText' | 'promptResetOnTemperature'
>;

/** A history that has nothing in it yet. */
export function promptHistory({ inference, tokenizer }: Transcriber, options: PromptSettings): PromptHistory {
  const room = (inference.nTextCtx >> 1) - 1;
  return new PromptHistory({
    initial: promptTokens(tokenizer, options.initialPrompt),
    carry: options.carryInitialPrompt,
    hotwords: promptTokens(tokenizer, options.hotwords).slice(0, room),
    condition: options.conditionOnPreviousText,
    resetAbove: options.promptResetOnTemperature,
    room,
  });
}

export interface PromptOptions {
  /** Tokens of the initial prompt: what is shown to the first window as if it had been said before. */
  readonly initial: readonly number[];
  /** Show it to every window. */
  readonly carry: boolean;
  /** Tokens shown to every window before all else (faster-whisper's hotwords). */
  readonly hotwords: readonly number[];
  /** Show each window what was said. */
  readonly condition: boolean;
  /** A window decoded at a temperature above this one is not shown to the next. */
  readonly resetAbove: number;
  /** Most tokens a prompt can have. */
  readonly room: number;
}

export class PromptHistory {
  readonly #options: PromptOptions;
  /** Shown to every window. */
  readonly #always: readonly number[];
  readonly #all: number[];
  #resetSince = 0;

  constructor(options: PromptOptions) {
    const { initial, carry, hotwords } = options;
    this.#options = options;
    this.#always = [...hotwords, ...(carry ? initial : [])];
    this.#all = [...initial];
  }

  /** Tokens the next window is shown. */
  get prompt(): number[] {
    const { initial, carry, room } = this.#options;
    const said = this.#all.slice(Math.max(carry ? initial.length : 0, this.#resetSince));
    if (this.#always.length === 0) return said;
    // slice(-0) would be all of it.
    const left = Math.max(0, room - this.#always.length);
    return [...this.#always, ...said.slice(Math.max(0, said.length - left))];
  }

  /** Enters what a window said, timestamps included. */
  add(tokens: readonly number[], temperature: number): void {
    for (const token of tokens) this.#all.push(token);
    const { condition, resetAbove } = this.#options;
    if (!condition || temperature > resetAbove) this.#resetSince = this.#all.length;
  }

  /** Lets go of what no prompt will show again; `said` is not all of it from then on. */
  forget(): void {
    const first = this.#options.initial.length;
    const surplus = this.#all.length - first - this.#options.room;
    if (surplus <= 0) return;
    this.#all.splice(first, surplus);
    this.#resetSince = Math.max(Math.min(this.#resetSince, first), this.#resetSince - surplus);
  }

  /** All that was said. */
  get said(): readonly number[] {
    return this.#all.slice(this.#options.initial.length);
  }
}

/** A text as a prompt shows it; none for undefined. */
export function promptTokens(tokenizer: Tokenizer, text: string | undefined): number[] {
  return text === undefined ? [] : tokenizer.encode(` ${strip(text)}`);
}
