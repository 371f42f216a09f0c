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

/** Narrows f32 to f16; both arrays have the same length. */
export function narrowF16(values: Float32Array, out: Uint16Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i]!;
    const sign = (word >>> 16) & 0x8000;
    const size = word & 0x7fffffff;
    let half: number;
    if (size > 0x7f800000) {
      half = 0x7e00 | ((size >>> 13) & 0x3ff); // NaN, made quiet
    } else if (size >= 0x47800000) {
      half = 0x7c00; // 65536 and more
    } else if (size >= 0x38800000) {
      // From 2^-14 on; 65520 and more carry into the exponent and become infinity.
      half = (size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13;
    } else {
      half = Math.abs(values[i]!) * 2 ** 24 + ROUND - ROUND;
    }
    out[i] = sign | half;
  }
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
