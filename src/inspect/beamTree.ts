/** A beam search as a tree of tokens. */
import type { BeamStep } from '../decode/search/beamSearch.ts';
import type { BeamNode, BeamTree } from './inspection.ts';

type Node = Omit<BeamNode, 'text' | 'isChosen'>;

export class BeamTreeBuilder {
  readonly #nodes: Node[] = [];
  /** Of the beams that go on, in their order; undefined before the first step. */
  #beams: readonly number[] | undefined;
  #beamSize = 0;

  add({ step, ranked, kept, finished }: BeamStep): void {
    const beams: number[] = [];
    for (const continuation of ranked) {
      const { source, token, logprob, score } = continuation;
      const fate = kept.includes(continuation) ? 'kept' : finished.includes(continuation) ? 'finished' : 'dropped';
      if (fate === 'kept') beams.push(this.#nodes.length);
      this.#nodes.push({ parent: this.#beams?.[source] ?? null, step, token, logprob, score, fate });
    }
    this.#beams = beams;
    this.#beamSize = Math.max(this.#beamSize, beams.length);
  }

  /**
   * @param tokens of the text that was chosen, without its end
   * @returns undefined if no beams were searched
   */
  tree(tokens: readonly number[], eot: number, textOf: (token: number) => string): BeamTree | undefined {
    if (this.#nodes.length === 0) return undefined;
    const chosen = new Set(this.#wayOf(tokens, eot));
    const nodes = this.#nodes.map((node, i) => ({ ...node, text: textOf(node.token), isChosen: chosen.has(i) }));
    return { beamSize: this.#beamSize, nodes };
  }

  /** Nodes of a text; its end, where it was found, is the last. */
  #wayOf(tokens: readonly number[], eot: number): number[] {
    const way: number[] = [];
    const child = (token: number, fate: Node['fate']): number =>
      this.#nodes.findIndex(
        (node) =>
          node.step === way.length &&
          node.parent === (way.at(-1) ?? null) &&
          node.token === token &&
          node.fate === fate,
      );
    for (const token of tokens) way.push(child(token, 'kept'));
    const end = child(eot, 'finished');
    return end < 0 ? way : [...way, end];
  }
}
