/** For cases: summaries of logits whose sums are exact, so that log-probabilities can be compared to the bit. */
import type { Fill } from '../../engine/kernel.ts';
import { perRowOf, putSummary, summaryRange, TILE } from './summaries.ts';

export interface SummaryScene {
  readonly timestampBegin: number;
  /** Rows whose best token is this one. */
  readonly wants?: (row: number) => number | undefined;
  readonly isNonFinite?: (row: number) => boolean;
  /** Share of ids that are no candidates; where it is near 1, equal ones are in different entries. */
  readonly skipped?: number;
}

const TOP = 8;

/**
 * In each row one entry has all of the probability (the others' exponentials vanish in f32 as in f64), every third time one of
 * timestamps, which then win. Candidates are fourths below its top, so that many are equal.
 */
export function summaryFill({ timestampBegin, wants, isNonFinite, skipped = 0.3 }: SummaryScene): Fill {
  return (summaries, d, random) => {
    const [entries, width] = [d.entries!, d.summaryWidth!];
    const nVocab = (entries - 1) * TILE;
    for (let row = 0; row < d.rows!; row++) {
      const wanted = wants?.(row);
      const top = wanted !== undefined ? Math.floor(wanted / TILE) : row % 3 === 1 ? entries - 1 : 0;
      for (let entry = 0; entry < entries; entry++) {
        const [begin, end] = summaryRange(entry, timestampBegin, nVocab);
        const best = [];
        for (let id = begin; id < end; id++) {
          if (random() < skipped) continue;
          const logit = TOP - Math.floor(1 + 4 * random()) / 4;
          best.push({ id, logit: id === wanted ? TOP : logit });
        }
        if (wanted !== undefined && wanted >= begin && wanted < end && best.every(({ id }) => id !== wanted))
          best.push({ id: wanted, logit: TOP });
        best.sort((a, b) => b.logit - a.logit || a.id - b.id);
        putSummary(summaries, row * entries + entry, width, {
          max: entry === top ? TOP : -500,
          sum: entry === top ? 1 : random(),
          nonFinite: isNonFinite?.(row) && entry === 2 ? 1 : 0,
          // Entries with fewer than there is room for, and without any.
          best: best.slice(0, entry % 4 === 3 ? entry % perRowOf(width) : undefined),
        });
      }
    }
  };
}
