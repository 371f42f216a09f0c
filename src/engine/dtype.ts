/**
 * Storage types: what the elements of a tensor are in memory, one row a type. Bytes, views, conversions and the loads of
 * both code generators follow from the row, so a type is added here and in the variants that take it, nowhere else.
 *
 * Kernels compute in f32 whatever is stored: a `real` type is widened where it is loaded and narrowed where it is stored.
 * An `integer` type is what it is (ids, tables).
 *
 * Types with scales (`q8`, `q8b32`) are for weights in panels, [panels, k, P] (kernels/matmul/panels.ts): an int8 in
 * [-127, 127] for each element, then the scales, f32 [panels, blocks of k, P]; value = int8 * scale. `q8` has one block,
 * the whole row of weights of an output; `q8b32` one for each 32 inputs.
 */
import { narrowF16, widenF16 } from '../base/float16.ts';
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
  /** Of one element, without its share of the scales. */
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
  /** WebAssembly for real types; scales are not applied. */
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
const MAX_HALF = 65504;
const MAX_Q8 = 127;

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
  const layout = (shape: Shape) => scaleLayout(shape, scaleBlock);
  /** The scale's place in the tail, for value (or group of `lanes`) `i`. */
  const scaleIndex = (shape: Shape, lanes: number): string => {
    const { k, width, blocks } = layout(shape);
    const perInput = width / lanes;
    const panel = `i / ${k * perInput}u`;
    const block = blocks === 1 ? '0u' : `(i / ${perInput}u) % ${k}u / ${scaleBlock}u`;
    return `((${panel}) * ${blocks}u + ${block}) * ${width}u + (i % ${perInput}u) * ${lanes}u`;
  };
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
          const scale = `bitcast<f32>(${name}[${layout(shape).scales / 4}u + ${scaleIndex(shape, 1)}])`;
          return `return f32(unpack4xI8(${name}[i / 4u])[i % 4u]) * ${scale};`;
        },
      },
      four: {
        element: 'u32',
        values: 4,
        load: (name, shape) => {
          const lanes = [0, 1, 2, 3].map((lane) => `bitcast<f32>(${name}[s + ${lane}u])`);
          return `let s = ${layout(shape).scales / 4}u + ${scaleIndex(shape, 4)};
  return vec4f(unpack4xI8(${name}[i])) * vec4f(${lanes.join(', ')});`;
        },
      },
    },
    wasm: {
      load: (_f, address, byteOffset) => f32.convert_i32_s(i32.load8_s(address, byteOffset)),
      load4: (_f, address, byteOffset) => {
        const wide = i16x8.extend_low_i8x16_s(v128.load32_zero(address, byteOffset));
        return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(wide));
      },
    },
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

const TYPES = {
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
  q8: scaledInt8(Number.POSITIVE_INFINITY),
  q8b32: scaledInt8(32),
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
} as const satisfies Readonly<Record<string, StorageType>>;

export type DType = keyof typeof TYPES;

/** Types that a weight matrix may be stored in. */
export const WEIGHT_TYPES = ['f32', 'f16', 'q8', 'q8b32'] as const satisfies readonly DType[];
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
  const { elementBytes, scaleBlock }: StorageType = TYPES[dtype];
  if (scaleBlock !== undefined) return scaleLayout(shape, scaleBlock).bytes;
  return elementCount(shape) * elementBytes;
}

export interface ScaleLayout {
  readonly panels: number;
  readonly k: number;
  /** Lanes of the last dim, each with scales of its own. */
  readonly width: number;
  /** Of k, for each of which a lane has a scale. */
  readonly blocks: number;
  /** Elements of k in one. */
  readonly blockSize: number;
  /** Byte offset of the scales. */
  readonly scales: number;
  readonly bytes: number;
}

/** Where the scales of [panels, k, P] lie; P is a multiple of 4. */
export function scaleLayout(shape: Shape, scaleBlock: number): ScaleLayout {
  const [panels = 1, k = 1, width = 1] = shape;
  const blockSize = Math.min(scaleBlock, k);
  const blocks = Math.ceil(k / blockSize);
  const scales = panels * k * width;
  return { panels, k, width, blocks, blockSize, scales, bytes: scales + 4 * panels * blocks * width };
}

function quantize(values: Float32Array, shape: Shape, scaleBlock: number): Int8Array {
  const layout = scaleLayout(shape, scaleBlock);
  const { width } = layout;
  const stored = new Int8Array(layout.bytes);
  const scales = new Float32Array(stored.buffer, layout.scales);
  eachBlock(layout, (at, count, scaleAt) => {
    let largest = 0;
    for (let i = 0; i < count; i++) largest = Math.max(largest, Math.abs(values[at + i * width]!));
    const scale = Math.fround(largest / MAX_Q8);
    scales[scaleAt] = scale;
    if (scale === 0) return;
    for (let i = 0; i < count; i++) {
      const ratio = values[at + i * width]! / scale;
      stored[at + i * width] = Math.max(-MAX_Q8, Math.min(MAX_Q8, Math.round(ratio)));
    }
  });
  return stored;
}

function dequantize(stored: StorageArray, shape: Shape, scaleBlock: number): Float32Array {
  const layout = scaleLayout(shape, scaleBlock);
  const { width } = layout;
  const values = new Float32Array(layout.scales);
  const bytes = stored.buffer.slice(stored.byteOffset + layout.scales, stored.byteOffset + layout.bytes);
  const scales = new Float32Array(bytes);
  eachBlock(layout, (at, count, scaleAt) => {
    for (let i = 0; i < count; i++) values[at + i * width] = stored[at + i * width]! * scales[scaleAt]!;
  });
  return values;
}

/** Visits each run of elements that share a scale: its first element, its length (a stride of P apart), its scale. */
function eachBlock(
  { panels, k, width, blocks, blockSize }: ScaleLayout,
  visit: (at: number, count: number, scaleAt: number) => void,
): void {
  for (let panel = 0; panel < panels; panel++)
    for (let block = 0; block < blocks; block++)
      for (let lane = 0; lane < width; lane++) {
        const begin = block * blockSize;
        const at = (panel * k + begin) * width + lane;
        visit(at, Math.min(blockSize, k - begin), (panel * blocks + block) * width + lane);
      }
}

function asFloats(values: StorageArray): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

function asHalves(values: StorageArray): Uint16Array {
  return values instanceof Uint16Array ? values : Uint16Array.from(values);
}
