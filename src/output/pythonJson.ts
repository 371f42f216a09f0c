/** Numbers and strings in JSON as Python writes them, and with it openai/whisper. */

/**
 * Python's `repr(float)`: the shortest digits that read back as the same number, with `.0` or an exponent always.
 * JavaScript gives the same digits; Python writes an exponent below 1e-4 and from 1e16 on, with two digits at least.
 */
export function floatRepr(x: number): string {
  if (Number.isNaN(x)) return 'NaN';
  if (!Number.isFinite(x)) return x < 0 ? '-Infinity' : 'Infinity';
  if (x === 0) return Object.is(x, -0) ? '-0.0' : '0.0';
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(x.toExponential());
  if (!match) return String(x);
  const [, sign = '', first = '', rest = '', power = ''] = match;
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const digits = rest === '' ? first : `${first}.${rest}`;
    return `${sign}${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const digits = first + rest;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** `json.dumps(text)`: ASCII only, everything else as \\uXXXX (surrogate pairs beyond U+FFFF). */
export function jsonString(text: string): string {
  const quoted = JSON.stringify(text);
  let out = '';
  for (let i = 0; i < quoted.length; i++) {
    const code = quoted.charCodeAt(i);
    out += code < 0x7f ? quoted[i] : code === 0x7f ? '\x7f' : `\\u${code.toString(16).padStart(4, '0')}`;
  }
  return out;
}
