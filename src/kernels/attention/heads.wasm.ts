/** How the encoder's self-attention is cut: blocks of queries of one head against all its keys. */
import type { KernelContext } from '../../engine/variant.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { type I32, i32 } from '../../engine/wasm/scalar.ts';
import { min } from '../../engine/wasm/signature.ts';
import { i32x4, v128 } from '../../engine/wasm/simd.ts';
import { LOWEST } from './softmax.wasm.ts';

/** Keys are padded to a multiple of this. */
const KEY_PADDING = 16;
/** A work item is a third of a head's queries: packing costs a few percent of that, and threads share a layer evenly. */
const PARTS_PER_HEAD = 3;

export type Dims = 'nCtx' | 'nState' | 'width';
export type Params = 'nHead' | 'rounded';
export type Context = KernelContext<Dims, Params>;

export interface HeadSizes {
  readonly nCtx: number;
  readonly nState: number;
  /** From position to position in qkv, in bytes. */
  readonly stride: number;
  readonly headDim: number;
  /** nCtx rounded up to whole panels. */
  readonly keys: number;
  readonly queriesPerBlock: number;
  readonly queriesPerItem: number;
  readonly itemsPerHead: number;
}

export function headSizes({ dims, params }: Context, queriesPerBlock: number): HeadSizes {
  const { nCtx, nState } = dims;
  const up = (value: number, step: number): number => Math.ceil(value / step) * step;
  const queriesPerItem = up(nCtx / PARTS_PER_HEAD, queriesPerBlock);
  return {
    nCtx,
    nState,
    stride: 4 * dims.width,
    headDim: nState / params.nHead,
    keys: up(nCtx, KEY_PADDING),
    queriesPerBlock,
    queriesPerItem,
    itemsPerHead: Math.ceil(nCtx / queriesPerItem),
  };
}

/** What a work item is: `head` counts heads; `query` is made to walk over its blocks of queries, `rows` long each. */
export interface HeadItem {
  readonly head: Local<'i32'>;
  readonly forBlocks: (visit: (query: Local<'i32'>, rows: Local<'i32'>) => void) => void;
}

export function headItem(f: FunctionBuilder, s: HeadSizes, item: I32): HeadItem {
  const head = f.let(i32.div_u(item, i32.const(s.itemsPerHead)));
  const part = i32.rem_u(item, i32.const(s.itemsPerHead));
  const firstQuery = f.let(i32.mul(part, i32.const(s.queriesPerItem)));
  const endQuery = f.let(min(f, i32.add(firstQuery, i32.const(s.queriesPerItem)), i32.const(s.nCtx)));
  const [query, rows] = [f.local('i32'), f.local('i32')];
  return {
    head,
    forBlocks(visit) {
      f.for(query, firstQuery, endQuery, s.queriesPerBlock, () => {
        f.set(rows, min(f, i32.sub(endQuery, query), i32.const(s.queriesPerBlock)));
        visit(query, rows);
      });
    },
  };
}

/** Overwrites the scores of keys that are not there. */
export function hidePadding(f: FunctionBuilder, line: I32, s: Pick<HeadSizes, 'nCtx' | 'keys'>): void {
  for (let key = s.nCtx - (s.nCtx % 4); key < s.keys; key += 4) {
    const bits = (lane: number): number => (key + lane < s.nCtx ? -1 : 0);
    const isThere = i32x4.lanes(bits(0), bits(1), bits(2), bits(3));
    f.do(v128.store(line, v128.bitselect(v128.load(line, 4 * key), f.splat(LOWEST), isThere), 4 * key));
  }
}
