/**
 * The 400-point Fourier transform of Whisper's front end, as fast as plain JavaScript allows (9 to 14 ms for 30 s of
 * audio): 400 real samples are taken as 200 complex ones, z[n] = x[2n] + i x[2n+1]; 200 = 8 * 5 * 5 is done by mixed
 * radix, decimation in time; then the spectra of the even and odd samples are separated and combined,
 * X[k] = E[k] + W^k O[k]. All in f64, so that it differs from an exact transform by about 1e-15 of the largest bin.
 */
import { N_BINS, N_FFT } from '../constants.ts';

const HALF = N_FFT / 2;

/** Power spectrum |X[k]|^2, k = 0..200, of one (already windowed) frame of 400 samples. */
export type PowerSpectrum = (frame: Float64Array, power: Float64Array) => void;

/** Which input each output of the first stage comes from: the digits of 8 * 5 * 5 reversed. */
function digitReversal(): Int32Array {
  const order = new Int32Array(HALF);
  const fill = (radices: readonly number[], source: number, stride: number, target: number, length: number): void => {
    const [radix, ...rest] = radices;
    if (radix === undefined) {
      order[target] = source;
      return;
    }
    for (let j = 0; j < radix; j++) {
      fill(rest, source + j * stride, stride * radix, target + (j * length) / radix, length / radix);
    }
  };
  fill([5, 5, 8], 0, 1, 0, HALF);
  return order;
}

/** exp(-2 pi i j k / (5 span)) for j = 1..4, k = 0..span-1; shape [4, span, 2]. */
function twiddles(span: number): Float64Array {
  const table = new Float64Array(8 * span);
  for (let j = 1; j < 5; j++) {
    for (let k = 0; k < span; k++) {
      const angle = (-2 * Math.PI * j * k) / (5 * span);
      table[2 * ((j - 1) * span + k)] = Math.cos(angle);
      table[2 * ((j - 1) * span + k) + 1] = Math.sin(angle);
    }
  }
  return table;
}

/** A transform with buffers of its own, so it must not be used by two callers at once. */
export function createPowerSpectrum(): PowerSpectrum {
  const order = digitReversal();
  const re = new Float64Array(HALF);
  const im = new Float64Array(HALF);
  const stage8 = twiddles(8);
  const stage40 = twiddles(40);
  const splitRe = Float64Array.from({ length: HALF / 2 + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / N_FFT));
  const splitIm = Float64Array.from({ length: HALF / 2 + 1 }, (_, k) => -Math.sin((2 * Math.PI * k) / N_FFT));

  return (frame, power) => {
    radix8(frame, order, re, im);
    radix5(re, im, 8, stage8);
    radix5(re, im, 40, stage40);
    splitPower(re, im, splitRe, splitIm, power);
  };
}

/** First stage, no twiddles: 25 transforms of 8 points, gathered in digit-reversed order from the real frame. */
function radix8(x: Float64Array, order: Int32Array, re: Float64Array, im: Float64Array): void {
  for (let b = 0; b < HALF; b += 8) {
    const i0 = 2 * order[b]!;
    const i1 = 2 * order[b + 1]!;
    const i2 = 2 * order[b + 2]!;
    const i3 = 2 * order[b + 3]!;
    const i4 = 2 * order[b + 4]!;
    const i5 = 2 * order[b + 5]!;
    const i6 = 2 * order[b + 6]!;
    const i7 = 2 * order[b + 7]!;
    // Four points 0, 2, 4, 6 -> e0..e3.
    let ar = x[i0]! + x[i4]!;
    let ai = x[i0 + 1]! + x[i4 + 1]!;
    let br = x[i0]! - x[i4]!;
    let bi = x[i0 + 1]! - x[i4 + 1]!;
    let cr = x[i2]! + x[i6]!;
    let ci = x[i2 + 1]! + x[i6 + 1]!;
    let dr = x[i2]! - x[i6]!;
    let di = x[i2 + 1]! - x[i6 + 1]!;
    const e0r = ar + cr;
    const e0i = ai + ci;
    const e2r = ar - cr;
    const e2i = ai - ci;
    const e1r = br + di;
    const e1i = bi - dr;
    const e3r = br - di;
    const e3i = bi + dr;
    // Four points 1, 3, 5, 7 -> o0..o3, then rotated by 0, -45, -90, -135 degrees.
    ar = x[i1]! + x[i5]!;
    ai = x[i1 + 1]! + x[i5 + 1]!;
    br = x[i1]! - x[i5]!;
    bi = x[i1 + 1]! - x[i5 + 1]!;
    cr = x[i3]! + x[i7]!;
    ci = x[i3 + 1]! + x[i7 + 1]!;
    dr = x[i3]! - x[i7]!;
    di = x[i3 + 1]! - x[i7 + 1]!;
    const o0r = ar + cr;
    const o0i = ai + ci;
    const o2r = ai - ci;
    const o2i = cr - ar;
    const p1r = br + di;
    const p1i = bi - dr;
    const p3r = br - di;
    const p3i = bi + dr;
    const o1r = (p1r + p1i) * Math.SQRT1_2;
    const o1i = (p1i - p1r) * Math.SQRT1_2;
    const o3r = (p3i - p3r) * Math.SQRT1_2;
    const o3i = -(p3r + p3i) * Math.SQRT1_2;
    re[b] = e0r + o0r;
    im[b] = e0i + o0i;
    re[b + 1] = e1r + o1r;
    im[b + 1] = e1i + o1i;
    re[b + 2] = e2r + o2r;
    im[b + 2] = e2i + o2i;
    re[b + 3] = e3r + o3r;
    im[b + 3] = e3i + o3i;
    re[b + 4] = e0r - o0r;
    im[b + 4] = e0i - o0i;
    re[b + 5] = e1r - o1r;
    im[b + 5] = e1i - o1i;
    re[b + 6] = e2r - o2r;
    im[b + 6] = e2i - o2i;
    re[b + 7] = e3r - o3r;
    im[b + 7] = e3i - o3i;
  }
}

const COS_1 = Math.cos((2 * Math.PI) / 5);
const COS_2 = Math.cos((4 * Math.PI) / 5);
const SIN_1 = Math.sin((2 * Math.PI) / 5);
const SIN_2 = Math.sin((4 * Math.PI) / 5);

/** Combines each five transforms of `span` points into one of `5 span`, in place, over all 200 points. */
function radix5(re: Float64Array, im: Float64Array, span: number, table: Float64Array): void {
  for (let b = 0; b < HALF; b += 5 * span) {
    for (let k = 0; k < span; k++) {
      const i0 = b + k;
      const i1 = i0 + span;
      const i2 = i1 + span;
      const i3 = i2 + span;
      const i4 = i3 + span;
      const t1 = 2 * k;
      const t2 = t1 + 2 * span;
      const t3 = t2 + 2 * span;
      const t4 = t3 + 2 * span;
      const r0 = re[i0]!;
      const q0 = im[i0]!;
      const r1 = re[i1]! * table[t1]! - im[i1]! * table[t1 + 1]!;
      const q1 = re[i1]! * table[t1 + 1]! + im[i1]! * table[t1]!;
      const r2 = re[i2]! * table[t2]! - im[i2]! * table[t2 + 1]!;
      const q2 = re[i2]! * table[t2 + 1]! + im[i2]! * table[t2]!;
      const r3 = re[i3]! * table[t3]! - im[i3]! * table[t3 + 1]!;
      const q3 = re[i3]! * table[t3 + 1]! + im[i3]! * table[t3]!;
      const r4 = re[i4]! * table[t4]! - im[i4]! * table[t4 + 1]!;
      const q4 = re[i4]! * table[t4 + 1]! + im[i4]! * table[t4]!;
      const ar = r1 + r4;
      const ai = q1 + q4;
      const br = r2 + r3;
      const bi = q2 + q3;
      const cr = r1 - r4;
      const ci = q1 - q4;
      const dr = r2 - r3;
      const di = q2 - q3;
      const ur = r0 + COS_1 * ar + COS_2 * br;
      const ui = q0 + COS_1 * ai + COS_2 * bi;
      const vr = r0 + COS_2 * ar + COS_1 * br;
      const vi = q0 + COS_2 * ai + COS_1 * bi;
      const pr = SIN_1 * ci + SIN_2 * di;
      const pi = -(SIN_1 * cr + SIN_2 * dr);
      const gr = SIN_2 * ci - SIN_1 * di;
      const gi = -(SIN_2 * cr - SIN_1 * dr);
      re[i0] = r0 + ar + br;
      im[i0] = q0 + ai + bi;
      re[i1] = ur + pr;
      im[i1] = ui + pi;
      re[i2] = vr + gr;
      im[i2] = vi + gi;
      re[i3] = vr - gr;
      im[i3] = vi - gi;
      re[i4] = ur - pr;
      im[i4] = ui - pi;
    }
  }
}

/** Z[k] of the 200 complex points -> |X[k]|^2 of the 400 real ones, k and 200 - k together. */
function splitPower(
  re: Float64Array,
  im: Float64Array,
  splitRe: Float64Array,
  splitIm: Float64Array,
  power: Float64Array,
): void {
  const sum = re[0]! + im[0]!;
  const difference = re[0]! - im[0]!;
  power[0] = sum * sum;
  power[N_BINS - 1] = difference * difference;
  for (let k = 1; k <= HALF / 2; k++) {
    const j = HALF - k;
    const evenRe = (re[k]! + re[j]!) / 2;
    const evenIm = (im[k]! - im[j]!) / 2;
    const oddRe = (im[k]! + im[j]!) / 2;
    const oddIm = (re[j]! - re[k]!) / 2;
    const rotatedRe = oddRe * splitRe[k]! - oddIm * splitIm[k]!;
    const rotatedIm = oddRe * splitIm[k]! + oddIm * splitRe[k]!;
    const xr = evenRe + rotatedRe;
    const xi = evenIm + rotatedIm;
    const yr = evenRe - rotatedRe;
    const yi = rotatedIm - evenIm;
    power[k] = xr * xr + xi * xi;
    power[j] = yr * yr + yi * yi;
  }
}
