import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import type { KernelContext } from '../../engine/variant.ts';
import { i32, memory } from '../../engine/wasm/scalar.ts';
import { forWorkItems } from '../../engine/wasm/signature.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { emitGemm, gemmScratchBytes, gemmWorkItems } from './gemm.wasm.ts';
import type { GemmOptions } from './gemmOptions.ts';

type Dims = 'nOut' | 'cIn' | 'cOut' | 'k' | 'panelWidth';
type Params = 'stride' | 'padOut';

export const variants: readonly WasmVariant<'x' | 'w' | 'bias' | 'positions' | 'y', Dims, Params>[] = [
  {
    // A product over rows of x that overlap; the last work item writes the rows of zeros.
    name: 'tiles',
    takes: { w: WEIGHT_TYPES },
    workItems: (c) => gemmWorkItems(gemmOptions(c), rowsInside(c)) + c.params.padOut,
    scratchBytes: (c) => gemmScratchBytes(gemmOptions(c)),
    emit(f, c) {
      const { x, w, bias, positions, y, scratch } = f.args;
      const o = gemmOptions(c);
      const rows = rowsInside(c);
      const padding = i32.const(c.params.padOut * o.yStride);
      const args = {
        x,
        w,
        bias,
        y: i32.add(y, padding),
        added: i32.add(positions, padding),
        rows: i32.const(rows),
        scratch,
      };
      forWorkItems(f, (item) => {
        const inside = (): void => emitGemm(f, c, o, args, item);
        if (c.params.padOut === 0) inside();
        else
          f.if(i32.lt_s(item, i32.const(gemmWorkItems(o, rows))), inside, () => {
            const last = i32.add(y, i32.const((rows + 1) * o.yStride));
            for (const row of [y, last]) f.do(memory.fill(row, i32.const(0), i32.const(o.yStride)));
          });
      });
    },
  },
];

function rowsInside({ dims, params }: KernelContext<Dims, Params>): number {
  return dims.nOut - 2 * params.padOut;
}

function gemmOptions(c: KernelContext<Dims, Params>): GemmOptions {
  const { cIn, cOut, k, panelWidth } = c.dims;
  return {
    rows: rowsInside(c),
    sumsAs: rowsInside(c),
    k,
    n: cOut,
    panelWidth,
    dtype: c.dtype('w'),
    xStride: 4 * c.params.stride * cIn,
    yStride: 4 * cOut,
    bias: true,
    gelu: true,
    added: c.has('positions'),
  };
}
