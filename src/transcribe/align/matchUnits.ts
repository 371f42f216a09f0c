/**
 * Which words of a known text are which words that were recognised: the alignment with the fewest edits, found between anchors
 * where both are long, and without what only looks alike.
 */

/** A step through both texts: a unit of each, or of one alone (-1 for the other). */
export interface Step {
  readonly known: number;
  readonly heard: number;
  readonly isEqual: boolean;
}

/** Cells of a table of edits, at most: 16 MB. */
const MAX_CELLS = 1 << 24;
/** Runs of so many equal units that are in each text once anchor a long one. */
const ANCHORS = [5, 3, 2, 1] as const;
/** Edits: another word costs less than one too many and one too few; a run of those is begun at a cost, so that it is one run. */
const [SKIP, BEGIN, REPLACE] = [2, 1, 4];
/** Steps on one side of an equal one that are looked at, itself included, and the share of them that must be equal. */
const REACH = 7;
const LEAST_EQUAL = 0.5;
/** Fewer of them, at an end of the texts, say nothing. */
const LEAST_STEPS = 4;

/** @returns the steps in order; what is only alike by chance is no equal step */
export function matchUnits(known: readonly string[], heard: readonly string[]): Step[] {
  const steps: Step[] = [];
  matchRange(known, heard, { from: 0, to: known.length }, { from: 0, to: heard.length }, steps);
  return withoutChance(steps);
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function matchRange(known: readonly string[], heard: readonly string[], k: Range, h: Range, steps: Step[]): void {
  let [kFrom, hFrom, kTo, hTo] = [k.from, h.from, k.to, h.to];
  for (; kFrom < kTo && hFrom < hTo && known[kFrom] === heard[hFrom]; kFrom++, hFrom++)
    steps.push({ known: kFrom, heard: hFrom, isEqual: true });
  let nEnd = 0;
  for (; kFrom < kTo && hFrom < hTo && known[kTo - 1] === heard[hTo - 1]; kTo--, hTo--) nEnd++;
  if ((kTo - kFrom) * (hTo - hFrom) <= MAX_CELLS) {
    editSteps(known, heard, { from: kFrom, to: kTo }, { from: hFrom, to: hTo }, steps);
  } else {
    const anchors = anchorsOf(known, heard, { from: kFrom, to: kTo }, { from: hFrom, to: hTo });
    for (const { known: at, heard: other, length } of anchors) {
      if (at < kFrom || other < hFrom) continue; // it overlaps the one before
      matchRange(known, heard, { from: kFrom, to: at }, { from: hFrom, to: other }, steps);
      for (let i = 0; i < length; i++) steps.push({ known: at + i, heard: other + i, isEqual: true });
      [kFrom, hFrom] = [at + length, other + length];
    }
    if (anchors.length > 0) matchRange(known, heard, { from: kFrom, to: kTo }, { from: hFrom, to: hTo }, steps);
    else apart({ from: kFrom, to: kTo }, { from: hFrom, to: hTo }, steps);
  }
  for (let i = 0; i < nEnd; i++) steps.push({ known: kTo + i, heard: hTo + i, isEqual: true });
}

/** Nothing of the one is anything of the other. */
function apart(k: Range, h: Range, steps: Step[]): void {
  for (let known = k.from; known < k.to; known++) steps.push({ known, heard: -1, isEqual: false });
  for (let heard = h.from; heard < h.to; heard++) steps.push({ known: -1, heard, isEqual: false });
}

/** What the last step to a cell was: a unit of each, of the known text alone, of the heard one alone. */
const [BOTH, KNOWN, HEARD] = [0, 1, 2];

/** The cheapest way through both. @see Gotoh 1982 */
function editSteps(known: readonly string[], heard: readonly string[], k: Range, h: Range, steps: Step[]): void {
  const [nKnown, nHeard] = [k.to - k.from, h.to - h.from];
  if (nKnown === 0 || nHeard === 0) {
    apart(k, h, steps);
    return;
  }
  const width = nHeard + 1;
  // For each cell and each last step two bits: what the step before was.
  const moves = new Uint8Array((nKnown + 1) * width);
  const row = (): Float64Array[] =>
    [BOTH, KNOWN, HEARD].map(() => new Float64Array(width).fill(Number.POSITIVE_INFINITY));
  let above = row();
  let own = row();
  /** The cheapest last step of a cell, if a further `step` follows. */
  const before = (costs: readonly Float64Array[], j: number, step: number): number => {
    let best = BOTH;
    for (const last of [KNOWN, HEARD]) if (costOf(costs, j, last, step) < costOf(costs, j, best, step)) best = last;
    return best;
  };
  const costOf = (costs: readonly Float64Array[], j: number, last: number, step: number): number =>
    costs[last]![j]! + (step !== BOTH && step !== last ? BEGIN : 0);
  for (let i = 0; i <= nKnown; i++) {
    for (let j = 0; j < width; j++) {
      for (const costs of own) costs[j] = Number.POSITIVE_INFINITY;
      if (i === 0 && j === 0) {
        own[BOTH]![0] = 0;
        continue;
      }
      let packed = 0;
      if (i > 0 && j > 0) {
        const last = before(above, j - 1, BOTH);
        const isEqual = known[k.from + i - 1] === heard[h.from + j - 1];
        own[BOTH]![j] = costOf(above, j - 1, last, BOTH) + (isEqual ? 0 : REPLACE);
        packed |= last;
      }
      if (i > 0) {
        const last = before(above, j, KNOWN);
        own[KNOWN]![j] = costOf(above, j, last, KNOWN) + SKIP;
        packed |= last << 2;
      }
      if (j > 0) {
        const last = before(own, j - 1, HEARD);
        own[HEARD]![j] = costOf(own, j - 1, last, HEARD) + SKIP;
        packed |= last << 4;
      }
      moves[i * width + j] = packed;
    }
    [above, own] = [own, above];
  }
  const found: Step[] = [];
  let step = before(above, nHeard, BOTH);
  for (let [i, j] = [nKnown, nHeard]; i > 0 || j > 0; ) {
    const last = (moves[i * width + j]! >> (2 * step)) & 3;
    if (step !== HEARD) i--;
    if (step !== KNOWN) j--;
    const [a, b] = [step === HEARD ? -1 : k.from + i, step === KNOWN ? -1 : h.from + j];
    found.push({ known: a, heard: b, isEqual: step === BOTH && known[a] === heard[b] });
    step = last;
  }
  for (const one of found.reverse()) steps.push(one);
}

interface Anchor {
  readonly known: number;
  readonly heard: number;
  readonly length: number;
}

/** Runs of units that are in each range once, in the same order in both. */
function anchorsOf(known: readonly string[], heard: readonly string[], k: Range, h: Range): Anchor[] {
  for (const length of ANCHORS) {
    const [inKnown, inHeard] = [onceIn(known, k, length), onceIn(heard, h, length)];
    const common: Anchor[] = [];
    for (const [run, at] of inKnown) {
      const other = inHeard.get(run);
      if (at >= 0 && other !== undefined && other >= 0) common.push({ known: at, heard: other, length });
    }
    const anchors = longestRising(common);
    if (anchors.length > 0) return anchors;
  }
  return [];
}

/** Run -> where it is; -1 if it is there more than once. */
function onceIn(units: readonly string[], { from, to }: Range, length: number): Map<string, number> {
  const found = new Map<string, number>();
  for (let i = from; i + length <= to; i++) {
    const run = units.slice(i, i + length).join(' ');
    found.set(run, found.has(run) ? -1 : i);
  }
  return found;
}

/** Of anchors in the order of the known text the most that are in the order of the heard one too. @see patience sorting */
function longestRising(anchors: readonly Anchor[]): Anchor[] {
  const tails: number[] = [];
  const before = new Int32Array(anchors.length).fill(-1);
  for (const [i, { heard }] of anchors.entries()) {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (anchors[tails[middle]!]!.heard < heard) low = middle + 1;
      else high = middle;
    }
    if (low > 0) before[i] = tails[low - 1]!;
    tails[low] = i;
  }
  const rising: Anchor[] = [];
  for (let i = tails.at(-1) ?? -1; i >= 0; i = before[i]!) rising.push(anchors[i]!);
  return rising.reverse();
}

/** Two texts of one language have words in common, in one order: an equal step with few others around it says nothing. */
function withoutChance(steps: readonly Step[]): Step[] {
  const sums = new Int32Array(steps.length + 1);
  for (const [i, { isEqual }] of steps.entries()) sums[i + 1] = sums[i]! + (isEqual ? 1 : 0);
  const isDense = (from: number, to: number): boolean => sums[to]! - sums[from]! >= LEAST_EQUAL * (to - from);
  const least = Math.min(LEAST_STEPS, steps.length);
  const isEnough = (from: number, to: number): boolean => to - from >= least && isDense(from, to);
  return steps.flatMap((step, i): Step[] => {
    if (!step.isEqual) return [step];
    const [from, to] = [Math.max(0, i + 1 - REACH), Math.min(steps.length, i + REACH)];
    if (isEnough(from, i + 1) || isEnough(i, to) || isEnough(from, to)) return [step];
    return [
      { known: step.known, heard: -1, isEqual: false },
      { known: -1, heard: step.heard, isEqual: false },
    ];
  });
}
