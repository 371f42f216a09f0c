/** Deterministic sounds and WAV files for the audio tests. */
import { concat } from '../../src/base/bytes.ts';

/** Noise in [-1, 1). */
export function noise(length: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

/** A sweep with noise on it, not above 0.8. */
export function sweep(length: number, seed: number): Float32Array<ArrayBuffer> {
  return noise(length, seed).map((v, i) => 0.3 * v + 0.5 * Math.sin(0.03 * i * (1 + 1e-5 * i) * seed));
}

export interface WavSpec {
  readonly tag: number;
  readonly bits: number;
  readonly sampleRate?: number;
  readonly nChannels?: number;
  /** Written as WAVE_FORMAT_EXTENSIBLE when given. */
  readonly channelMask?: number;
  readonly riff?: string;
  readonly data: Uint8Array;
  /** What the header says instead of the truth. */
  readonly dataSize?: number;
  /** Chunks between "fmt " and "data". */
  readonly between?: readonly (readonly [name: string, data: Uint8Array])[];
}

export function wavFile(spec: WavSpec): Uint8Array {
  const { tag, bits, sampleRate = 16000, nChannels = 1, channelMask, riff = 'RIFF', data } = spec;
  const isLittle = riff !== 'RIFX';
  const parts: Uint8Array[] = [];
  const number = (value: number, size: number): Uint8Array => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (value / 256 ** i) & 0xff);
    return isLittle ? bytes : bytes.reverse();
  };
  const text = (value: string): Uint8Array => Uint8Array.from(value, (c) => c.charCodeAt(0));
  const chunk = (name: string, body: Uint8Array, size = body.length): void => {
    parts.push(text(name), number(size, 4), body);
    if (body.length % 2 === 1) parts.push(new Uint8Array(1));
  };
  const frameBytes = (nChannels * bits) / 8;
  const format = [
    number(channelMask === undefined ? tag : 0xfffe, 2),
    number(nChannels, 2),
    number(sampleRate, 4),
    number(sampleRate * frameBytes, 4),
    number(frameBytes, 2),
    number(bits, 2),
  ];
  if (channelMask !== undefined) {
    const guid = [0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];
    format.push(number(22, 2), number(bits, 2), number(channelMask, 4), number(tag, 2), Uint8Array.from(guid));
  }
  parts.push(text(riff), number(0, 4), text('WAVE'));
  if (riff === 'RF64')
    chunk('ds64', concat(Uint8Array, [number(0, 8), number(data.length, 8), number(0, 8), number(0, 4)]));
  chunk('fmt ', concat(Uint8Array, format));
  for (const [name, body] of spec.between ?? []) chunk(name, body);
  chunk('data', data, spec.dataSize ?? (riff === 'RF64' ? 0xffffffff : data.length));
  return concat(Uint8Array, parts);
}

/** Whether all samples are 16-bit values / 32768, as those of every decoded recording, damaged or not. */
export function isPcm16(samples: Float32Array): boolean {
  return samples.every((v) => v >= -1 && v < 1 && Number.isInteger(v * 32768));
}

/** Samples as the bytes of `bits`-bit little-endian integers. */
export function integerBytes(values: ArrayLike<number>, bits: number): Uint8Array {
  const size = bits / 8;
  const bytes = new Uint8Array(values.length * size);
  for (let i = 0; i < values.length; i++) {
    for (let b = 0; b < size; b++) bytes[i * size + b] = Math.floor(values[i]! / 256 ** b) & 0xff;
  }
  return bytes;
}
