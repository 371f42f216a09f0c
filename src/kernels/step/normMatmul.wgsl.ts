import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { gelu } from '../../engine/wgsl/functions.ts';
import { byMemory } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { lanesOf } from './cut.ts';
import { normInput } from './inputs.wgsl.ts';
import { productGroups, productText, putParts } from './product.wgsl.ts';

export const variants: readonly WgslVariant<'rows' | 'k' | 'n' | 'panelWidth' | 'xWidth' | 'yWidth', 'gelu'>[] = [
  {
    name: 'columnsPerGroup',
    takes: { w: WEIGHT_TYPES },
    when: (c) => c.dims.panelWidth! % 4 === 0,
    vec4: ['w', 'bias', 'y'],
    groups: ({ dims: { n, yWidth } }) => productGroups(n, lanesOf(n, yWidth / n), yWidth / n),
    reduces: true,
    wgsl({ dims: { rows, k, n, panelWidth, xWidth, yWidth }, params }, _gpu, by = byMemory) {
      const parts = yWidth / n;
      return productText({
        ...{ rows, k, n, panelWidth, parts, lanes: lanesOf(n, parts), by },
        input: (threads) => normInput({ rows, k, parts: xWidth / k, threads, by }),
        put: putParts({ n, parts, gelu: params.gelu ? gelu : '' }),
      });
    },
  },
];
