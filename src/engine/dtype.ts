/**
 * Storage types: what the elements of a tensor are in memory, one row a type. Bytes, views, conversions and the loads of
 * both code generators follow from the row, so a type is added here and in the variants that take it, nowhere else.
 *
 * Kernels compute in f32 whatever is stored: a `real` type is widened where it is loaded and narrowed where it is stored.
 * An `integer` type is what it is (ids, tables).
 *
 * Types with scales (`int8`, `int8b32`) are for weights in panels, [panels, k, P]; their layout is in `int8.ts`. `int8` has
 * one scale for the whole row of weights of an output; `int8b32` one for each 32 inputs.
 */
import { narrowF16, widenF16 } from '../base/float16.ts';
import { dequantize, INTERLEAVED, int8Layout, quantize } from './int8.ts';
import type { Local } from './wasm/expression.ts';
import type { FunctionBuilder } from './wasm/function.ts';
import { type F32, f32, type I32, i32 } from './wasm/scalar.ts';
import { f32x4, i16x8, i32x4, type V128, v128 } from './wasm/simd.ts';

/** Elements as they are stored; of types with scales all bytes. */
export type StorageArray = Float32Array | Uint32Array | Uint16Array | Int8Array;

/** Elements as references and tests see them: values of real types as f32. */
export type HostArray = Float32Array | Uint32Array | Int8Array;

export type Shape = readonly number[];

/** How WGSL sees an argument: the elements of its `array`, and how values are read from and written to it. */
export interface WgslAccess {
  readonly element: string;
  /** Values that one element of the array holds. */
  readonly values: number;
  /** Body of a function of `i`, the number of the value (or of the group of four). */
  readonly load?: (name: string, shape: Shape) => string;
  /** Statement that stores the vec4f `value` as group `i`. */
  readonly store?: (name: string) => string;
}

export interface StorageType {
  /** Of one element; of types with scales without these, and without what fills k up. */
  readonly elementBytes: number;
  readonly values: 'real' | 'integer';
  /** Elements along k that share a scale; absent: the type has no scales. */
  readonly scaleBlock?: number;
  /** `length` stored elements from a buffer; bytes where there are scales. */
  view(buffer: ArrayBuffer, byteOffset: number, length: number): StorageArray;
  /** Values rounded to what the type holds: to the nearest, ties to even; too large ones of f16 become infinite. */
  narrow(values: HostArray, shape: Shape): StorageArray;
  widen(stored: StorageArray, shape: Shape): HostArray;
  /** Bound value by value, and in groups of four. */
  readonly wgsl: { readonly one: WgslAccess; readonly four: WgslAccess };
  /** WebAssembly for real types without scales. */
  readonly wasm?: {
    load(f: FunctionBuilder, address: I32, byteOffset: number): F32;
    /** Four neighbouring elements. */
    load4(f: FunctionBuilder, address: I32, byteOffset: number): V128;
    /** Stores four elements, the last statement of a sequence if several are stored. */
    store4?(f: FunctionBuilder, address: Local<'i32'>, value: V128, byteOffset: number): void;
  };
}

/** Multiplied with it, a half whose exponent and fraction stand in f32's places has its value; exact, subnormals included. */
const HALF_SCALE = 2 ** 112;
/** Largest finite f16; what is stored is clamped to it, since WGSL leaves open what becomes of larger values. */
export const MAX_HALF = 65504;

const half: StorageType = {
  elementBytes: 2,
  values: 'real',
  view: (buffer, byteOffset, length) => new Uint16Array(buffer, byteOffset, length),
  narrow: (values) => {
    const halves = new Uint16Array(values.length);
    narrowF16(asFloats(values), halves);
    return halves;
  },
  widen: (stored) => {
    const values = new Float32Array(stored.length);
    widenF16(asHalves(stored), values);
    return values;
  },
  wgsl: {
    one: {
      element: 'u32',
      values: 2,
      load: (name) => `return unpack2x16float(${name}[i / 2u])[i % 2u];`,
    },
    four: {
      element: 'vec2u',
      values: 4,
      load: (name) => `let p = ${name}[i]; return vec4f(unpack2x16float(p.x), unpack2x16float(p.y));`,
      store: (name) => `let v = clamp(value, vec4f(-${MAX_HALF}f), vec4f(${MAX_HALF}f));
  ${name}[i] = vec2u(pack2x16float(v.xy), pack2x16float(v.zw));`,
    },
  },
  wasm: {
    load(_f, address, byteOffset) {
      // The shift left and the arithmetic one right copy the sign to where f32 has it.
      const bits = i32.shr_s(i32.shl(i32.load16_u(address, byteOffset), i32.const(16)), i32.const(3));
      const scaled = f32.reinterpret_i32(i32.and(bits, i32.const(0x8fffe000 | 0)));
      return f32.mul(scaled, f32.const(HALF_SCALE));
    },
    load4(f, address, byteOffset) {
      const bits = i32x4.shl(v128.load16x4_s(address, byteOffset), i32.const(13));
      return f32x4.mul(v128.and(bits, f.splatInt(0x8fffe000 | 0)), f.splat(HALF_SCALE));
    },
    store4(f, address, value, byteOffset) {
      const clamped = f.let(f32x4.pmax(f32x4.pmin(value, f.splat(MAX_HALF)), f.splat(-MAX_HALF)));
      const sign = f.let(v128.and(i32x4.shr_u(clamped, i32.const(16)), f.splatInt(0x8000)));
      const size = f.let(f32x4.mul(f32x4.abs(clamped), f.splat(1 / HALF_SCALE)));
      // To the nearest, ties to even: half a unit less one, and one more if the last bit that stays is 1.
      const odd = v128.and(i32x4.shr_u(size, i32.const(13)), f.splatInt(1));
      const rounded = i32x4.shr_u(i32x4.add(i32x4.add(size, f.splatInt(0xfff)), odd), i32.const(13));
      const halves = f.let(v128.or(rounded, sign));
      f.do(v128.store64_lane(address, i16x8.narrow_i32x4_u(halves, halves), 0, byteOffset));
    },
  },
};

function scaledInt8(scaleBlock: number): StorageType {
  return {
    elementBytes: 1,
    values: 'real',
    scaleBlock,
    view: (buffer, byteOffset, length) => new Int8Array(buffer, byteOffset, length),
    narrow: (values, shape) => quantize(asFloats(values), shape, scaleBlock),
    widen: (stored, shape) => dequantize(stored, shape, scaleBlock),
    wgsl: {
      one: {
        element: 'u32',
        values: 4,
        load: (name, shape) => {
          const { byte, scale, zeros } = int8Place(shape, scaleBlock, 1);
          return `let at = ${byte};
  let s = ${scale};
  let whole = f32(unpack4xI8(${name}[at / 4u])[at % 4u]) - bitcast<f32>(${name}[s + ${zeros}u]);
  return whole * bitcast<f32>(${name}[s]);`;
        },
      },
      four: {
        element: 'vec2u',
        values: 8,
        load: (name, shape) => {
          const { byte, scale, zeros } = int8Place(shape, scaleBlock, 4);
          return `let at = ${byte};
  let two = ${name}[at / 8u];
  let up = vec4u(24u, 8u, 24u, 8u) - 8u * (at % 2u);
  let s = 2u * (${scale});
  let z = s + ${2 * zeros}u;
  let scales = vec4f(bitcast<vec2f>(${name}[s]), bitcast<vec2f>(${name}[s + 1u]));
  let zeros = vec4f(bitcast<vec2f>(${name}[z]), bitcast<vec2f>(${name}[z + 1u]));
  return (vec4f((vec4i(two.xxyy << up)) >> vec4u(24u)) - zeros) * scales;`;
        },
      },
    },
  };
}

/**
 * Of value (or group of four outputs) `i` of [panels, k, P]: its first byte, the number of its scale (or group of four), and how
 * many of these its zero is farther.
 */
function int8Place(
  shape: Shape,
  scaleBlock: number,
  lanes: number,
): Readonly<Record<'byte' | 'scale', string>> & { readonly zeros: number } {
  const { k, width, groups, blocks, blockSize, scales, zeros } = int8Layout(shape, scaleBlock);
  const across = width / lanes;
  const panel = `i / ${k * across}u`;
  const input = `i / ${across}u % ${k}u`;
  const lane = `i % ${across}u`;
  const block = blocks === 1 ? '0u' : `(${input}) / ${blockSize}u`;
  const group = `((${panel}) * ${groups}u + (${input}) / ${INTERLEAVED}u) * ${across}u + ${lane}`;
  return {
    byte: `(${group}) * ${INTERLEAVED * lanes}u + (${input}) % ${INTERLEAVED}u`,
    scale: `${scales / 4 / lanes}u + ((${panel}) * ${blocks}u + ${block}) * ${across}u + ${lane}`,
    zeros: (zeros - scales) / 4 / lanes,
  };
}

function words(element: 'u32' | 'f32'): StorageType['wgsl'] {
  return {
    one: { element, values: 1, load: (name) => `return ${name}[i];` },
    four: {
      element: `vec4<${element}>`,
      values: 4,
      load: (name) => `return ${name}[i];`,
      store: (name) => `${name}[i] = value;`,
    },
  };
}

/** What an element of a tensor may be stored as. */
export type DType = 'f32' | 'f16' | 'int8' | 'int8b32' | 'u32' | 'i8';

const TYPES: Readonly<Record<DType, StorageType>> = {
  f32: {
    elementBytes: 4,
    values: 'real',
    view: (buffer, byteOffset, length) => new Float32Array(buffer, byteOffset, length),
    narrow: (values) => asFloats(values),
    widen: (stored) => asFloats(stored),
    wgsl: words('f32'),
    wasm: {
      load: (_f, address, byteOffset) => f32.load(address, byteOffset),
      load4: (_f, address, byteOffset) => v128.load(address, byteOffset),
      store4: (f, address, value, byteOffset) => f.do(v128.store(address, value, byteOffset)),
    },
  },
  f16: half,
  int8: scaledInt8(Number.POSITIVE_INFINITY),
  int8b32: scaledInt8(32),
  u32: {
    elementBytes: 4,
    values: 'integer',
    view: (buffer, byteOffset, length) => new Uint32Array(buffer, byteOffset, length),
    narrow: (values) => Uint32Array.from(values),
    widen: (stored) => Uint32Array.from(stored),
    wgsl: words('u32'),
  },
  i8: {
    elementBytes: 1,
    values: 'integer',
    view: (buffer, byteOffset, length) => new Int8Array(buffer, byteOffset, length),
    narrow: (values) => Int8Array.from(values),
    widen: (stored) => Int8Array.from(stored),
    wgsl: { one: { element: 'u32', values: 4 }, four: { element: 'u32', values: 4 } },
  },
};

/** Types that a weight matrix may be stored in. */
export const WEIGHT_TYPES = ['f32', 'f16', 'int8', 'int8b32'] as const satisfies readonly DType[];
export type WeightType = (typeof WEIGHT_TYPES)[number];

/** Types that keys and values of attention may be cached in. */
export const CACHE_TYPES = ['f32', 'f16'] as const satisfies readonly DType[];
export type CacheType = (typeof CACHE_TYPES)[number];

export function storageType(dtype: DType): StorageType {
  return TYPES[dtype];
}

export function elementCount(shape: Shape): number {
  return shape.reduce((n, size) => n * size, 1);
}

/** Bytes of all elements and their scales. */
export function storageBytes(dtype: DType, shape: Shape): number {
  const { elementBytes, scaleBlock } = TYPES[dtype];
  if (scaleBlock !== undefined) return int8Layout(shape, scaleBlock).bytes;
  return elementCount(shape) * elementBytes;
}

function asFloats(values: StorageArray): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

function asHalves(values: StorageArray): Uint16Array {
  return values instanceof Uint16Array ? values : Uint16Array.from(values);
}
