import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { f32, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import { byMemory } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { allowedIdsText } from '../sampling/allowedIds.wgsl.ts';
import { RULE_STATE, RULES } from '../sampling/decodeState.ts';
import { normInput } from './inputs.wgsl.ts';
import { productGroups, productText } from './product.wgsl.ts';
import { NO_ID, perRowOf, SUMMARY, TILE } from './summaries.ts';

const LANES = TILE / 4;

type Sizes = 'rows' | 'k' | 'panelWidth' | 'xWidth' | 'maskWords' | 'entries' | 'summaryWidth';

export const variants: readonly WgslVariant<Sizes, 'begin' | 'count' | 'nVocab'>[] = [
  {
    // One workgroup a tile, whose logits it keeps; then one thread a row goes over them, and one more over the timestamps of a tile
    // that has both.
    name: 'groupPerTile',
    takes: { w: WEIGHT_TYPES },
    when: (c) => c.dims.panelWidth! % 4 === 0,
    vec4: ['w'],
    groups: ({ params: { count } }) => productGroups(count, LANES, 1),
    reduces: true,
    wgsl({ dims, params: { begin, count, nVocab } }, _gpu, by = byMemory) {
      const { rows, k, panelWidth, xWidth } = dims;
      const perRow = perRowOf(dims.summaryWidth);
      const rules = RULES.wgsl('rules', RULE_STATE.wgsl('ruleState', 'row').set);
      const summary = (column: keyof typeof SUMMARY.index): string => `summaries[at + ${SUMMARY.index[column]}u]`;
      return productText({
        ...{ rows, k, n: count, panelWidth, parts: 1, lanes: LANES, by },
        input: (threads) => normInput({ rows, k, parts: xWidth / k, threads, by }),
        put: /* wgsl */ `
var<workgroup> tile: array<vec4f, ${rows * LANES}>;
fn put(row: u32, column: u32, part: u32, sum: vec4f) { tile[row * ${LANES}u + column % ${LANES}u] = sum; }
${allowedIdsText(dims.maskWords)}
fn summarize(row: u32, isExtra: bool, first: u32) {
  let textEnd = ${rules.timestampBegin};
  let hasBoth = textEnd % ${TILE}u > 0u;
  var low = first;
  var high = min(first + ${TILE}u, ${nVocab}u);
  var isText = true;
  var entry = first / ${TILE}u;
  if (isExtra) {
    // The last entry: of the tile in which timestamps begin, or an empty one.
    if (first / ${TILE}u != select(0u, textEnd / ${TILE}u, hasBoth)) { return; }
    low = select(high, min(textEnd, high), hasBoth);
    isText = false;
    entry = ${dims.entries - 1}u;
  } else {
    isText = first < textEnd;
    if (isText) { high = min(high, textEnd); }
  }
  let range = allowedRange(row, isText, low, high);
  let isFirst = isFirstToken(row);
  let firstMask = firstMaskOf(row);
  var bad = 0f;
  var top = ${f32(MASKED)};
${unroll(perRow, (r) => `  var id${r} = ${f32(NO_ID)};\n  var value${r} = ${LOWEST};`)}
  for (var id = low; id < high; id++) {
    let value = tile[row * ${LANES}u + (id - first) / 4u][(id - first) % 4u];
    if (isNonFinite(value)) { bad = 1f; }
    else if (isAllowed(id, range, isFirst, firstMask)) {
      top = max(top, value);
      if (value > value${perRow - 1}) {
        // Ids come in ascending order: the new one stands after its equals, and pushes the rest down.
        var down = value;
        var downId = f32(id);
        var isIn = false;
${unroll(
  perRow,
  (r) => `        if (isIn || down > value${r}) {
          let v = value${r};
          let w = id${r};
          value${r} = down;
          id${r} = downId;
          down = v;
          downId = w;
          isIn = true;
        }`,
)}
      }
    }
  }
  var sum = 0f;
  for (var id = low; id < high; id++) {
    let value = tile[row * ${LANES}u + (id - first) / 4u][(id - first) % 4u];
    if (!isNonFinite(value) && isAllowed(id, range, isFirst, firstMask)) { sum += exp(value - top); }
  }
  let at = (row * ${dims.entries}u + entry) * ${dims.summaryWidth}u;
  ${summary('max')} = top;
  ${summary('sum')} = sum;
  ${summary('nonFinite')} = bad;
  summaries[at + ${SUMMARY.width - 1}u] = 0f;
${unroll(
  perRow,
  (r) => `  summaries[at + ${SUMMARY.width + 2 * r}u] = id${r};
  summaries[at + ${SUMMARY.width + 2 * r + 1}u] = select(value${r}, 0f, id${r} < 0f);`,
)}
}`,
        after: /* wgsl */ `
  if (thread < ${2 * rows}u) { summarize(thread % ${rows}u, thread >= ${rows}u, ${begin}u + group.x * ${TILE}u); }`,
      });
    },
  },
];
