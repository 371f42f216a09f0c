import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { byMemory } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { rowsText } from '../matmul/gemm/rows.wgsl.ts';
import { lanesOf, STEP_ROWS } from './cut.ts';
import { mergedFours, mergedInput } from './inputs.wgsl.ts';
import { splitCount } from './partial.ts';
import { productGroups, productText, putParts } from './product.wgsl.ts';
import { ofManyRows, putPart, tileGroups } from './rowTiles.wgsl.ts';

type Sizes = 'rows' | 'k' | 'n' | 'panelWidth' | 'partialWidth' | 'residualWidth' | 'yWidth';

export const variants: readonly WgslVariant<Sizes, 'nHead'>[] = [
  {
    name: 'columnsPerGroup',
    takes: { w: WEIGHT_TYPES },
    rows: { max: STEP_ROWS },
    when: (c) => c.dims.panelWidth! % 4 === 0 && c.dims.rows! <= STEP_ROWS,
    vec4: ['w', 'bias', 'residual', 'y'],
    groups: ({ dims: { n, yWidth } }) => productGroups(n, lanesOf(n, yWidth / n), yWidth / n),
    reduces: true,
    wgsl(
      { dims: { rows, k, n, panelWidth, partialWidth, residualWidth, yWidth }, params: { nHead } },
      _gpu,
      by = byMemory,
    ) {
      const parts = yWidth / n;
      return productText({
        ...{ rows, k, n, panelWidth, parts, lanes: lanesOf(n, parts), by },
        input: (threads) => mergedInput({ rows, k, nHead, splits: splitCount(partialWidth, k, nHead), threads }),
        put: putParts({ n, parts, residualParts: residualWidth / n }),
      });
    },
  },
  ...ofManyRows<Sizes, 'nHead'>((rows) => ({
    takes: { w: WEIGHT_TYPES },
    rows,
    when: (c) => c.dims.panelWidth! % 4 === 0 && c.dims.rows! > STEP_ROWS && (c.dims.k! / c.params.nHead!) % 4 === 0,
    vec4: ['partial', 'w'],
    groups: ({ dims }, liveRows) => tileGroups(dims, liveRows),
    wgsl({ dims: { rows, k, n, panelWidth, partialWidth, residualWidth, yWidth }, params: { nHead } }) {
      const parts = yWidth / n;
      const splits = splitCount(partialWidth, k, nHead);
      return rowsText({
        ...{ rows, k, n, panelWidth, parts, inputs: mergedFours({ k, nHead, splits }) },
        put: putPart({ n, parts, residualParts: residualWidth / n }),
      });
    },
  })),
];
