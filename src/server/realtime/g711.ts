/**
 * Telephone sound: a byte a sample, 8 kHz, in two laws.
 *
 * @see ITU-T G.711
 */

/** @param byte of mu-law @returns 16 bits */
export function fromMuLaw(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
  return code & 0x80 ? -magnitude : magnitude;
}

/** @param byte of A-law @returns 16 bits */
export function fromALaw(byte: number): number {
  const code = byte ^ 0x55;
  const [exponent, mantissa] = [(code & 0x70) >> 4, (code & 0x0f) << 4];
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1);
  return code & 0x80 ? magnitude : -magnitude;
}
