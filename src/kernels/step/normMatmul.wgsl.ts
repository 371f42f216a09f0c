import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { gelu } from '../../engine/wgsl/functions.ts';
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
    wgsl({ dims: { rows, k, n, panelWidth, xWidth, yWidth }, params }) {
      const parts = yWidth / n;
      return productText({
        ...{ rows, k, n, panelWidth, parts, lanes: lanesOf(n, parts) },
        input: (threads) => normInput({ rows, k, parts: xWidth / k, threads }),
        put: putParts({ n, parts, gelu: params.gelu ? gelu : '' }),
      });
    },
  },
];
