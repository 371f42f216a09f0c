import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { byMemory } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { lanesOf } from './cut.ts';
import { plainInput } from './inputs.wgsl.ts';
import { productGroups, productText, putParts } from './product.wgsl.ts';

export const variants: readonly WgslVariant<'rows' | 'k' | 'n' | 'panelWidth' | 'residualWidth' | 'yWidth'>[] = [
  {
    name: 'columnsPerGroup',
    takes: { w: WEIGHT_TYPES },
    when: (c) => c.dims.panelWidth! % 4 === 0,
    vec4: ['w', 'bias', 'residual', 'y'],
    groups: ({ dims: { n, yWidth } }) => productGroups(n, lanesOf(n, yWidth / n), yWidth / n),
    reduces: true,
    wgsl({ dims: { rows, k, n, panelWidth, residualWidth, yWidth } }, _gpu, by = byMemory) {
      const parts = yWidth / n;
      return productText({
        ...{ rows, k, n, panelWidth, parts, lanes: lanesOf(n, parts), by },
        input: () => plainInput(k),
        put: putParts({ n, parts, residualParts: residualWidth / n }),
      });
    },
  },
];
