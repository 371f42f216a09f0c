/**
 * Ends a greedy step: each row takes the best token of its logits, notes it and moves on.
 *
 * summaries: of the logits, summaries.ts; rules, rowState, ruleState, loopState, picked: sampling/decodeState.ts.
 * @see sampling/chooseTokens.ts, sampling/advanceRows.ts: what it fuses
 */
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { reference as advance, cases as advanceCases } from '../sampling/advanceRows.ts';
import { PICKED, ROW_TABLES } from '../sampling/decodeState.ts';
import { chooseFromSummaries } from './choose.ts';
import { rowsProblem, STEP_ROWS } from './cut.ts';
import { summaryWidth } from './summaries.ts';
import { summaryFill } from './summaryScene.ts';

export const pickRows = defineKernel({
  name: 'pickRows',
  args: {
    summaries: { access: 'read', dtype: 'f32', dims: ['rows', 'entries', 'summaryWidth'] },
    ...ROW_TABLES,
    picked: { access: 'readwrite', dtype: 'u32', dims: ['rows', 'steps', PICKED.width] },
  },
  params: {},
  check: (d) =>
    rowsProblem(d) ?? (d.summaryWidth === summaryWidth(1) ? undefined : 'a greedy step has one id of each tile'),
  cost: ({ rows, entries, summaryWidth: width }) => ({ flops: 20 * rows * entries, bytes: 4 * rows * entries * width }),
  variants: { webgpu: async () => (await import('./webgpu.ts')).pickRows },
});

export const reference: Reference<typeof pickRows> = (
  args,
  { entries, summaryWidth: width, ...dims },
  params,
  liveRows,
) => {
  const choices = chooseFromSummaries(args, { entries, summaryWidth: width }, liveRows);
  advance({ ...args, ...choices }, { ...dims, perRow: 1 }, params, liveRows);
};

/** The scenes of advanceRows, in which every sixth row has an end of text, is done, has logits that are not finite. */
function casesOfRows(): readonly KernelCase[] {
  const [eot, timestampBegin] = [40, 50];
  const summaries = summaryFill({
    timestampBegin,
    wants: (row) => (row % 6 === 2 ? eot : undefined),
    isNonFinite: (row) => row % 6 === 4,
  });
  const of = ({ dims: { perRow: _, ...dims }, ...kase }: KernelCase, entries: number): KernelCase => ({
    ...kase,
    dims: { ...dims, entries, summaryWidth: summaryWidth(1) },
    fill: { ...kase.fill, summaries },
  });
  const scenes = advanceCases.filter(({ dims }) => dims.sets === 1 && dims.rows! <= STEP_ROWS);
  const [first] = scenes;
  return [
    ...scenes.map((kase, i) => of(kase, 6 + 3 * i)),
    of({ ...first!, dims: { ...first!.dims, rows: STEP_ROWS }, liveRows: 7, note: 'a vocabulary' }, 812),
  ];
}

export const cases: readonly KernelCase[] = /* @__PURE__ */ casesOfRows();

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
