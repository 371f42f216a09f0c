/**
 * A matrix as a PNG of one colour whose opacity is the value, so that it is readable on dark and light.
 *
 * @see W3C, Portable Network Graphics; RFC 1950, whose blocks may be stored as they are
 */
import type { Matrix } from '../inspection.ts';

/** @param range values that are transparent and opaque @returns a data URL; the first row is at the top */
export function matrixPng({ rows, columns, values }: Matrix, range: readonly [number, number]): string {
  const [low, high] = range;
  const scale = high > low ? 255 / (high - low) : 0;
  // Each row begins with its filter: none.
  const pixels = new Uint8Array(rows * (columns + 1));
  for (let row = 0; row < rows; row++)
    for (let j = 0; j < columns; j++) {
      const level = Math.max(0, Math.min(255, Math.round((values[row * columns + j]! - low) * scale)));
      pixels[row * (columns + 1) + 1 + j] = level;
    }
  const palette = Uint8Array.from({ length: 768 }, (_, i) => [37, 132, 214][i % 3]!);
  const opacity = Uint8Array.from({ length: 256 }, (_, i) => i);
  const header = [...u32(columns), ...u32(rows), 8, 3, 0, 0, 0];
  const bytes = [
    Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
    chunk('IHDR', Uint8Array.from(header)),
    chunk('PLTE', palette),
    chunk('tRNS', opacity),
    chunk('IDAT', stored(pixels)),
    chunk('IEND', new Uint8Array(0)),
  ];
  return `data:image/png;base64,${base64(joined(bytes))}`;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** @see RFC 4648, section 4 */
function base64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let k = 0; k < 4; k++) text += i + k <= bytes.length ? DIGITS[(word >>> (18 - 6 * k)) & 63]! : '=';
  }
  return text;
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const body = new Uint8Array(4 + data.length);
  for (let i = 0; i < 4; i++) body[i] = name.charCodeAt(i);
  body.set(data, 4);
  return joined([Uint8Array.from(u32(data.length)), body, Uint8Array.from(u32(crc32(body)))]);
}

/** A zlib stream of blocks that are not compressed. */
function stored(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let begin = 0; begin === 0 || begin < data.length; begin += 65535) {
    const part = data.subarray(begin, begin + 65535);
    const isLast = begin + 65535 >= data.length ? 1 : 0;
    const { length } = part;
    parts.push(Uint8Array.of(isLast, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255), part);
  }
  let [a, b] = [1, 0];
  for (const byte of data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return joined([...parts, Uint8Array.from(u32(((b << 16) | a) >>> 0))]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
