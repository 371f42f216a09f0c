/**
 * Lets recordings that are transcribed at once tell what they find as if one came after another: the first that is not done
 * speaks, and what the others say is kept until it is their turn.
 */
export class InOrder {
  /** Whose turn it is, counted from 0. */
  #turn = 0;
  readonly #kept = new Map<number, (() => void)[]>();
  readonly #ended = new Set<number>();

  speaks(index: number): boolean {
    return index === this.#turn;
  }

  tell(index: number, say: () => void): void {
    if (this.speaks(index)) say();
    else this.#keptOf(index).push(say);
  }

  /** It has nothing more to say. */
  end(index: number): void {
    this.#ended.add(index);
    while (this.#ended.delete(this.#turn)) {
      this.#turn++;
      for (const say of this.#keptOf(this.#turn)) say();
      this.#kept.delete(this.#turn);
    }
  }

  #keptOf(index: number): (() => void)[] {
    const kept = this.#kept.get(index) ?? [];
    this.#kept.set(index, kept);
    return kept;
  }
}
