/** What was thrown, as an Error: anything can be thrown, even what cannot be made a string. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  try {
    return new Error(String(thrown));
  } catch {
    return new Error(Object.prototype.toString.call(thrown));
  }
}
