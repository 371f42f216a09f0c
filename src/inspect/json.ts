/** An inspection as JSON: matrices are lists of rows, numbers have five digits. */
import type { Inspection, Matrix } from './inspection.ts';

/** Changes when a field changes its meaning or goes away. */
export const INSPECTION_VERSION = 1;

export function inspectionJson(inspection: Inspection): string {
  const plain = (_key: string, value: unknown): unknown => (isMatrix(value) ? rowsOf(value) : value);
  return `${JSON.stringify({ version: INSPECTION_VERSION, ...inspection }, plain)}\n`;
}

function isMatrix(value: unknown): value is Matrix {
  return typeof value === 'object' && value !== null && 'values' in value && value.values instanceof Float32Array;
}

function rowsOf({ rows, columns, values }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from(values.subarray(row * columns, (row + 1) * columns), (value) => Number(value.toPrecision(5))),
  );
}
