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

/** Element (n, k) of a packed matrix. */
export function panelIndex(n: number, k: number, kSize: number, panelWidth: number): number {
  return (Math.floor(n / panelWidth) * kSize + k) * panelWidth + (n % panelWidth);
}
