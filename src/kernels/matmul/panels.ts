/**
 * The layout of weight matrices, the same for all devices: packed in panels of `panelWidth` outputs.
 *
 *   W [n, k] row-major  ->  [ceil(n / P), k, P],  element (row n, column k) at ((n div P) * K + k) * P + n mod P
 *
 * P outputs of one k stand side by side: a CPU kernel loads them as vectors and broadcasts x[k]; neighbouring GPU
 * threads read neighbouring outputs. One matrix serves products with many rows and with one. The last panel is filled
 * with zeros. P is the device's choice (`Device.panelWidth`).
 */

export function panelCount(n: number, panelWidth: number): number {
  return Math.ceil(n / panelWidth);
}

/** Elements of a matrix that are moved as they are: f32, or the bits of f16. */
export type PackedElements = Float32Array | Uint16Array;

/**
 * Packs one matrix, or several on top of each other (q, k and v in one product).
 *
 * @param parts each [n_i, k] row-major, all of one type
 * @param allocate makes the result, filled with zeros
 * @returns [ceil(sum n_i / P), k, P]
 */
export function packPanels<T extends PackedElements>(
  parts: readonly T[],
  k: number,
  panelWidth: number,
  allocate: (length: number) => T,
): T {
  let n = 0;
  for (const part of parts) n += part.length / k;
  const packed = allocate(panelCount(n, panelWidth) * k * panelWidth);
  let row = 0;
  for (const part of parts) {
    for (let from = 0; from < part.length; from += k, row++) {
      let to = Math.floor(row / panelWidth) * k * panelWidth + (row % panelWidth);
      for (let i = 0; i < k; i++, to += panelWidth) packed[to] = part[from + i]!;
    }
  }
  return packed;
}

/** Element (n, k) of a packed matrix. */
export function panelIndex(n: number, k: number, kSize: number, panelWidth: number): number {
  return (Math.floor(n / panelWidth) * kSize + k) * panelWidth + (n % panelWidth);
}
