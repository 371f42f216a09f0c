/** Typed arrays as plain memory, and marks of file formats in them. */

interface TypedArray {
  readonly length: number;
  set(values: ArrayLike<number>, offset: number): void;
}

/** Copies arrays of one kind, one after the other, into a new one: `concat(Uint8Array, [head, body])`. */
export function concat<A extends TypedArray>(
  ArrayType: new (length: number) => A,
  parts: readonly ArrayLike<number>[],
): A {
  const whole = new ArrayType(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether the bytes from `at` on are those of `text` (Latin-1), like `String.prototype.startsWith`. */
export function startsWith(bytes: Uint8Array, text: string, at = 0): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
