/**
 * An edit of a kernel's WGSL, made where the text was generated for one case, carried over to the text of another.
 *
 * Generated code has sizes in it as numbers, so the texts of two cases differ in numbers, and in branches that one of them
 * does not have. The edit is a list of changes of tokens; each is made at the same place of the other text. New code names sizes:
 * `nState` is put before it as a constant of the case (an abstract number, which is a u32, an f32 or an array's size as
 * needed). A text of which less than half is the original's is new code as a whole.
 */
import { KernelError } from '../base/errors.ts';
import { diff, isNumber, type Token, tokensOf } from './wgslDiff.ts';

export type Sizes = Readonly<Record<string, number>>;

/**
 * @param original what the text of the first case was
 * @param edited   what has become of it
 * @param other    what the text of the second case is
 * @param sizes    dims and parameters of the second case
 * @throws {KernelError} `edit` when a number is replaced that is another one in the second case
 */
export function carryEdit(original: string, edited: string, other: string, sizes: Sizes): string {
  return constants(original, edited, sizes) + carry(original, edited, other, sizes);
}

/** Those sizes that the edit has brought in by name, on one line that belongs to the first line of the code. */
function constants(original: string, edited: string, sizes: Sizes): string {
  const names = new Set(tokensOf(edited).map(({ text }) => text));
  for (const { text } of tokensOf(original)) names.delete(text);
  const brought = Object.entries(sizes).filter(([name]) => names.has(name));
  return brought.map(([name, size]) => `const ${name} = ${size}; `).join('');
}

function carry(original: string, edited: string, other: string, sizes: Sizes): string {
  if (original === edited) return other;
  if (original === other) return edited;
  const [a, u, b] = [tokensOf(original), tokensOf(edited), tokensOf(other)];
  const edits = diff(texts(a), texts(u));
  const deleted = edits.reduce((sum, { from, to }) => sum + to - from, 0);
  if (deleted * 2 > a.length) return edited;
  const place = places(a, b);
  let merged = '';
  let next = 0;
  for (const { from, to, secondFrom, secondTo } of edits) {
    const brought = u.slice(secondFrom, secondTo);
    const range = rangeIn(place, from, to);
    // In a branch that the other text does not have.
    if (range === undefined) continue;
    for (let i = from; i < to; i++) refuseNumber(a[i]!, b[place[i]!], brought, sizes);
    merged += joined(b.slice(next, range[0])) + joined(brought);
    next = Math.max(next, range[1]);
  }
  return merged + joined(b.slice(next));
}

function texts(tokens: readonly Token[]): readonly string[] {
  return tokens.map(({ text }) => text);
}

function joined(tokens: readonly Token[]): string {
  return tokens.map(({ lead, text }) => lead + text).join('');
}

/** For each token of the one text its place in the other, numbers taken for one another; -1 where there is none. */
function places(first: readonly Token[], second: readonly Token[]): Int32Array {
  const keys = (tokens: readonly Token[]) => texts(tokens).map((text) => (isNumber(text) ? '0' : text));
  const place = new Int32Array(first.length).fill(-1);
  let [i, j] = [0, 0];
  for (const hunk of [...diff(keys(first), keys(second)), undefined]) {
    while (i < (hunk?.from ?? first.length)) place[i++] = j++;
    if (hunk) [i, j] = [hunk.to, hunk.secondTo];
  }
  return place;
}

function rangeIn(place: Int32Array, from: number, to: number): readonly [number, number] | undefined {
  const present = place.subarray(from, to).filter((at) => at >= 0);
  if (present.length > 0) return [present[0]!, present.at(-1)! + 1];
  if (from < to) return undefined;
  const [before = -1, after = -1] = [place[from - 1], place[from]];
  if (before >= 0) return [before + 1, before + 1];
  return after >= 0 ? [after, after] : undefined;
}

function refuseNumber(original: Token, other: Token | undefined, brought: readonly Token[], sizes: Sizes): void {
  if (!other || other.text === original.text || brought.some(({ text }) => text in sizes)) return;
  const written = joined(brought).trim() || 'nothing';
  throw new KernelError(
    'edit',
    `The edit puts ${written} in place of ${original.text}, which comes from sizes and is ${other.text} in this case.`,
    {
      hint: `Write it by a size's name (${Object.keys(sizes).join(', ')}), or leave ${original.text} as it is beside it.`,
    },
  );
}
