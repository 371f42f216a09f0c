/**
 * Texts in WGSL compared token by token: Myers' greedy algorithm, which is quick where little differs.
 *
 * @see Eugene W. Myers, An O(ND) Difference Algorithm and Its Variations, Algorithmica 1, 1986
 */

export interface Token {
  /** White space and comments before it. */
  readonly lead: string;
  readonly text: string;
}

const TOKEN =
  /((?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*)(0[xX][\da-fA-F]+[iu]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fhiu]?|[A-Za-z_]\w*|[^\s]|$)/g;

/** The last token is empty: it carries what stands after the others. */
export function tokensOf(wgsl: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const [, lead = '', text = ''] of wgsl.matchAll(TOKEN)) {
    tokens.push({ lead, text });
    if (text === '') break;
  }
  return tokens;
}

export function isNumber(text: string): boolean {
  return /^\.?\d/.test(text);
}

/** `first` without its elements from `from` to before `to`, and with those of `second` in their place. */
export interface Hunk {
  readonly from: number;
  readonly to: number;
  readonly secondFrom: number;
  readonly secondTo: number;
}

/** What turns one list into the other, by ascending place. */
export function diff(first: readonly string[], second: readonly string[]): readonly Hunk[] {
  let start = 0;
  while (start < first.length && start < second.length && first[start] === second[start]) start++;
  let [endA, endB] = [first.length, second.length];
  while (endA > start && endB > start && first[endA - 1] === second[endB - 1]) {
    endA--;
    endB--;
  }
  return hunksOf(start, endA, endB, matches(first.slice(start, endA), second.slice(start, endB)));
}

/** Pairs of equal elements, both sides ascending; relative to the slices. */
function matches(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: ReadonlyMap<number, number>[] = [];
  const reached = (k: number): number => furthest.get(k) ?? -1;
  for (let d = 0; d <= a.length + b.length; d++) {
    trace.push(new Map(furthest));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && reached(k - 1) < reached(k + 1)) ? reached(k + 1) : reached(k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest.set(k, x);
      if (x >= a.length && x - k >= b.length) return backtrack(trace, d, a.length, b.length);
    }
  }
  return [];
}

function backtrack(
  trace: readonly ReadonlyMap<number, number>[],
  distance: number,
  lengthA: number,
  lengthB: number,
): readonly (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  let [x, y] = [lengthA, lengthB];
  for (let d = distance; d >= 0; d--) {
    const before = trace[d]!;
    const k = x - y;
    const at = (diagonal: number): number => before.get(diagonal) ?? -1;
    const previous = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? k + 1 : k - 1;
    const startX = d === 0 ? 0 : at(previous);
    const startY = d === 0 ? 0 : startX - previous;
    while (x > startX && y > startY) {
      x--;
      y--;
      pairs.push([x, y]);
    }
    [x, y] = [startX, startY];
  }
  return pairs.reverse();
}

function hunksOf(
  start: number,
  endA: number,
  endB: number,
  pairs: readonly (readonly [number, number])[],
): readonly Hunk[] {
  const hunks: Hunk[] = [];
  let [a, b] = [start, start];
  for (const [x, y] of [...pairs, [endA - start, endB - start] as const]) {
    if (a < start + x || b < start + y) hunks.push({ from: a, to: start + x, secondFrom: b, secondTo: start + y });
    [a, b] = [start + x + 1, start + y + 1];
  }
  return hunks;
}
