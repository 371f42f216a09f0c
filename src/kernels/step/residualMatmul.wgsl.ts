import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { byMemory } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { rowsText, xInputs } from '../matmul/gemm/rows.wgsl.ts';
import { lanesOf, STEP_ROWS } from './cut.ts';
import { plainInput } from './inputs.wgsl.ts';
import { productGroups, productText, putParts } from './product.wgsl.ts';
import { ofManyRows, putPart, tileGroups } from './rowTiles.wgsl.ts';

type Sizes = 'rows' | 'k' | 'n' | 'panelWidth' | 'residualWidth' | 'yWidth';

export const variants: readonly WgslVariant<Sizes>[] = [
  {
    name: 'columnsPerGroup',
    takes: { w: WEIGHT_TYPES },
    rows: { max: STEP_ROWS },
    when: (c) => c.dims.panelWidth! % 4 === 0 && c.dims.rows! <= STEP_ROWS,
    vec4: ['w', 'bias', 'residual', 'y'],
    groups: ({ dims: { n, yWidth } }) => productGroups(n, lanesOf(n, yWidth / n), yWidth / n),
    reduces: true,
    wgsl({ dims: { rows, k, n, panelWidth, residualWidth, yWidth }, has }, _gpu, by = byMemory) {
      const parts = yWidth / n;
      return productText({
        ...{ rows, k, n, panelWidth, parts, lanes: lanesOf(n, parts), by },
        input: () => plainInput(k),
        put: putParts({ n, parts, residualParts: has('residual') ? residualWidth / n : 0 }),
      });
    },
  },
  ...ofManyRows<Sizes>((rows) => ({
    takes: { w: WEIGHT_TYPES },
    rows,
    when: (c) => c.dims.panelWidth! % 4 === 0 && c.dims.rows! > STEP_ROWS,
    vec4: ['x', 'w'],
    groups: ({ dims }, liveRows) => tileGroups(dims, liveRows),
    wgsl({ dims: { rows, k, n, panelWidth, residualWidth, yWidth }, has }) {
      const parts = yWidth / n;
      return rowsText({
        ...{ rows, k, n, panelWidth, parts, inputs: xInputs({ xStride: k }) },
        put: putPart({ n, parts, residualParts: has('residual') ? residualWidth / n : 0 }),
      });
    },
  })),
];
