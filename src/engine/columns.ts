/**
 * Small device tables whose columns have names: the same names for TypeScript, WGSL and WebAssembly.
 *
 *   const rowState = columns(['token', 'position', 'sequence', 'audio']);
 *   words[rowState.at(row, 'position')]                              TypeScript
 *   `let position = ${rowState.wgsl('rowState', 'row').position};`   WGSL
 *   i32.load(state, rowState.offset.position)                        WebAssembly, `state` is the row's address
 */
export interface Columns<C extends string> {
  /** Words (32 bits) of a row; columns beyond the named ones are not used. */
  readonly width: number;
  readonly rowBytes: number;
  readonly index: Readonly<Record<C, number>>;
  /** Bytes from the start of a row. */
  readonly offset: Readonly<Record<C, number>>;
  /** Index of a cell in an array of rows. */
  at(row: number, column: C): number;
  /** A row's words; columns that are not given are 0. */
  encode(values: Readonly<Partial<Record<C, number>>>): number[];
  /** The cells of a row in WGSL; `row` is an expression of type u32. */
  wgsl(array: string, row: string): Readonly<Record<C, string>>;
}

/** @param width words of a row, if more than there are names: rows at multiples of 16 bytes suit every device */
export function columns<const C extends string>(names: readonly C[], width: number = names.length): Columns<C> {
  const record = <T>(value: (i: number) => T): Readonly<Record<C, T>> =>
    Object.fromEntries(names.map((name, i) => [name, value(i)])) as Record<C, T>; // its keys are the names
  const index = record((i) => i);
  return {
    width,
    rowBytes: 4 * width,
    index,
    offset: record((i) => 4 * i),
    at: (row, column) => row * width + index[column],
    encode: (values) => Array.from({ length: width }, (_, i) => values[names[i] as C] ?? 0),
    wgsl: (array, row) => record((i) => (row === '0' ? `${array}[${i}u]` : `${array}[(${row}) * ${width}u + ${i}u]`)),
  };
}
