/**
 * What each window is shown of the text before it.
 *
 * @see openai/whisper, whisper/transcribe.py: all_tokens, prompt_reset_since
 */

/** Above this temperature a window's text is not shown to the next one. */
const MAX_TRUSTED_TEMPERATURE = 0.5;

export class PromptHistory {
  readonly #initial: readonly number[];
  readonly #carry: boolean;
  readonly #condition: boolean;
  /** Most tokens a prompt can have. */
  readonly #room: number;
  readonly #all: number[];
  #resetSince = 0;

  /** @param initial tokens of the initial prompt */
  constructor(initial: readonly number[], options: { carry: boolean; condition: boolean; room: number }) {
    this.#initial = initial;
    this.#carry = options.carry;
    this.#condition = options.condition;
    this.#room = options.room;
    this.#all = [...initial];
  }

  /** Tokens the next window is shown. */
  get prompt(): number[] {
    if (!this.#carry) return this.#all.slice(this.#resetSince);
    const left = this.#room - this.#initial.length;
    const said = this.#all.slice(Math.max(this.#initial.length, this.#resetSince));
    return left > 0 ? [...this.#initial, ...said.slice(-left)] : [...this.#initial];
  }

  /** Enters what a window said, timestamps included. */
  add(tokens: readonly number[], temperature: number): void {
    for (const token of tokens) this.#all.push(token);
    if (!this.#condition || temperature > MAX_TRUSTED_TEMPERATURE) this.#resetSince = this.#all.length;
  }

  /** All that was said. */
  get said(): readonly number[] {
    return this.#all.slice(this.#initial.length);
  }
}
