/**
 * 16-bit floats: IEEE binary16 (`f16`) and bfloat16 (`bf16`) from and to f32. JavaScript has Float16Array only from Node 24
 * on, so the bits are moved here. Narrowing rounds to nearest, ties to even, overflows to infinity and keeps subnormals;
 * widening is exact. Memory is little-endian, as on every machine that runs JavaScript today.
 */

/** Adding and subtracting 1.5 * 2^52 rounds a small f64 to an integer, ties to even. */
const ROUND = 6755399441055744;

/** Widens f16 to f32; both arrays have the same length. */
export function widenF16(bits: Uint16Array, out: Float32Array): void {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const sign = (half & 0x8000) << 16;
    if ((half & 0x7c00) === 0x7c00) {
      words[i] = sign | 0x7f800000 | ((half & 0x3ff) << 13);
    } else {
      // The bits in f32's positions are the value times 2^-112; the product is exact, also for subnormals.
      words[i] = sign | ((half & 0x7fff) << 13);
      out[i] = out[i]! * 2 ** 112;
    }
  }
}

/**
 * Narrows f32 to f16; both arrays have the same length.
 *
 * @returns the index of the first number that f16 cannot hold: it has become infinite; -1 if there is none
 */
export function narrowF16(values: Float32Array, out: Uint16Array): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let lost = -1;
  for (let i = 0; i < values.length; i++) {
    const word = words[i]!;
    const sign = (word >>> 16) & 0x8000;
    const size = word & 0x7fffffff;
    // One comparison for nearly all: from 2^-14 up to 65520, from where on the nearest would be 65536.
    if ((size - 0x38800000) >>> 0 < 0x0efff000) {
      out[i] = sign | ((size - 0x37fff001 + ((size >>> 13) & 1)) >>> 13);
    } else if (size < 0x38800000) {
      out[i] = sign | (Math.abs(values[i]!) * 2 ** 24 + ROUND - ROUND);
    } else if (size > 0x7f800000) {
      out[i] = sign | 0x7e00 | ((size >>> 13) & 0x3ff); // NaN, made quiet
    } else {
      out[i] = sign | 0x7c00;
      if (lost < 0 && size < 0x7f800000) lost = i;
    }
  }
  return lost;
}

/** Widens bf16, the upper half of an f32; both arrays have the same length. */
export function widenBf16(bits: Uint16Array, out: Float32Array): void {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
}

/** Narrows f32 to bf16; both arrays have the same length. */
export function narrowBf16(values: Float32Array, out: Uint16Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i]!;
    const nan = (word & 0x7fffffff) > 0x7f800000;
    out[i] = nan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
}
