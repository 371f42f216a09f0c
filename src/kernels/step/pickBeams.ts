/**
 * Ends a step of beam search: of all continuations of a window's beams the best go on, until enough have ended.
 *
 * summaries: of the logits, summaries.ts, with one id more of each tile than there are beams; the tables: sampling/decodeState.ts,
 * sampling/searchState.ts; slotOf: [rows, steps].
 * @see sampling/chooseTokens.ts, sampling/advanceBeams.ts: what it fuses, and how beams are ranked
 */
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { reference as advance, cases as advanceCases } from '../sampling/advanceBeams.ts';
import { ROW_TABLES } from '../sampling/decodeState.ts';
import { searchLayout } from '../sampling/searchState.ts';
import { chooseFromSummaries } from './choose.ts';
import { rowsProblem, STEP_ROWS } from './cut.ts';
import { summaryWidth } from './summaries.ts';
import { summaryFill } from './summaryScene.ts';

export const pickBeams = defineKernel({
  name: 'pickBeams',
  args: {
    summaries: { access: 'read', dtype: 'f32', dims: ['rows', 'entries', 'summaryWidth'] },
    ...ROW_TABLES,
    slotOf: { access: 'readwrite', dtype: 'u32', dims: ['rows', 'steps'] },
    search: { access: 'readwrite', dtype: 'u32', dims: ['searchRows', 4] },
  },
  params: { beamSize: 1, wanted: 1 },
  check: (d, { beamSize, wanted }) => {
    if (d.rows % beamSize !== 0) return `${d.rows} rows are no groups of ${beamSize} beams each`;
    if (d.summaryWidth !== summaryWidth(beamSize + 1)) return `${beamSize} beams want ${beamSize + 1} ids of each tile`;
    const { end } = searchLayout({ rows: d.rows, beamSize, wanted, steps: d.steps });
    return rowsProblem(d) ?? (d.searchRows === end ? undefined : `the search has ${end} rows, not ${d.searchRows}`);
  },
  cost: ({ rows, entries, summaryWidth: width }) => ({ flops: 20 * rows * entries, bytes: 4 * rows * entries * width }),
  variants: { webgpu: async () => (await import('./webgpu.ts')).pickBeams },
});

export const reference: Reference<typeof pickBeams> = (
  args,
  { entries, summaryWidth: width, ...dims },
  params,
  liveRows,
) => {
  const choices = chooseFromSummaries(args, { entries, summaryWidth: width }, liveRows);
  advance({ ...args, ...choices }, { ...dims, perRow: params.beamSize + 1 }, params, liveRows);
};

/** The scenes of advanceBeams, each with other numbers of tiles; then logits that are not finite, and beams that all want to end. */
function casesOfBeams(): readonly KernelCase[] {
  const timestampBegin = 50;
  const plain = advanceCases.filter(({ dims }) => dims.rows! <= STEP_ROWS && dims.sets === 1);
  const of = (kase: KernelCase, entries: number, summaries = summaryFill({ timestampBegin })): KernelCase => {
    const { perRow, ...dims } = kase.dims;
    return {
      ...kase,
      dims: { ...dims, entries, summaryWidth: summaryWidth(perRow ?? 1) },
      fill: { ...kase.fill, summaries },
    };
  };
  const five = plain.find(({ dims }) => dims.rows === 5)!;
  return [
    ...plain.map((kase, i) => of(kase, 5 + 3 * i)),
    of({ ...five, note: 'a vocabulary' }, 812, summaryFill({ timestampBegin, skipped: 0.97 })),
    of(
      { ...five, note: 'a row that is not finite' },
      9,
      summaryFill({ timestampBegin, isNonFinite: (row) => row === 3 }),
    ),
    of(
      { ...five, note: 'beams that end' },
      9,
      summaryFill({ timestampBegin, wants: (row) => (row < 3 ? 40 : undefined) }),
    ),
  ];
}

export const cases: readonly KernelCase[] = /* @__PURE__ */ casesOfBeams();

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
