/**
 * y = x W^T with what belongs to it, over int8 weights with a scale a row, in integers: as gemm.wasm.ts, but a block of rows is
 * rounded into the thread's scratch first, and meets all panels of its work items as whole numbers.
 */
import { type Int8Layout, int8Layout } from '../../engine/int8.ts';
import type { KernelContext } from '../../engine/variant.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import type { EmitContext, KernelFunction, WasmVariant } from '../../engine/wasm/variant.ts';
import { emitGelu, FEW_ROWS, rangeOf, workItemCount } from './gemm.wasm.ts';
import type { GemmArgs, GemmOptions, GemmRange } from './gemmOptions.ts';
import { INPUT_STEPS, INTEGER_ROWS, INTEGER_TILES, LONGEST_INTEGER_SUM } from './int8Inputs.ts';
import { emitIntegerPanels, type IntegerProduct } from './integerPanels.wasm.ts';
import { panelCount } from './panels.ts';
import { roundedRowBytes, roundRow } from './roundRow.wasm.ts';

/** The variants of a kernel that is such a product, for many live rows and for few. */
export function integerGemm<A extends string, D extends string, P extends string>(
  options: (c: KernelContext<D | 'rows', P>) => GemmOptions,
  args: (f: KernelFunction<A>, c: KernelContext<D | 'rows', P>) => GemmArgs,
): readonly WasmVariant<A, D | 'rows', P>[] {
  const shared: Omit<WasmVariant<A, D | 'rows', P>, 'name'> = {
    takes: { w: ['int8'] },
    workItems: (c, liveRows) => workItemCount(options(c), liveRows, FEW_ROWS),
    scratchBytes(c) {
      const { rows, k } = options(c);
      return Math.min(rows, FEW_ROWS) * roundedRowBytes(k);
    },
    emit(f, c) {
      const o = options(c);
      const given = args(f, c);
      // The block of rows that is in scratch: items that come one after the other mostly share it.
      const rounded = f.let(i32.const(-1));
      forWorkItems(f, (item) => {
        const range = rangeOf(f, o, given, item, FEW_ROWS);
        f.if(i32.ne(rounded, range.firstRow), () => {
          emitRoundRows(f, c, o, given, range);
          f.set(rounded, range.firstRow);
        });
        const { scales, zeros } = weightsLayout(o);
        const floats = { scales: i32.add(given.w, i32.const(scales)), zeros: i32.add(given.w, i32.const(zeros)) };
        emitIntegerPanels(f, c, integerProduct(o), { ...given, ...floats, x: given.scratch }, range);
        emitGelu(f, c, o, given, range);
      });
    },
  };
  return [
    { name: INTEGER_TILES, rows: { min: FEW_ROWS + 1 }, ...shared },
    { name: INTEGER_ROWS, rows: { max: FEW_ROWS }, ...shared },
  ];
}

function integerProduct(o: GemmOptions): IntegerProduct {
  return { ...o, elementBytes: 1, longestSum: LONGEST_INTEGER_SUM, zeros: true, added: o.added && !o.gelu };
}

function weightsLayout({ n, k, panelWidth }: GemmOptions): Int8Layout {
  return int8Layout([panelCount(n, panelWidth), k, panelWidth], Number.POSITIVE_INFINITY);
}

/** Emits the rounding of a range's rows into scratch. */
function emitRoundRows(
  f: FunctionBuilder,
  { module }: Pick<EmitContext, 'module'>,
  o: GemmOptions,
  args: GemmArgs,
  { firstRow, endRow }: GemmRange,
): void {
  const row = f.local('i32');
  const round = roundRow(module, o.k, INPUT_STEPS);
  f.for(row, firstRow, endRow, 1, () => {
    f.call(round, at(args.x, row, o.xStride), at(args.scratch, i32.sub(row, firstRow), roundedRowBytes(o.k)));
  });
}
