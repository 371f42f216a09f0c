/**
 * Reads a matrix where `PanelWriter` is not enough: in int8, or onto a device that packs panels itself. A page loads it when it
 * is wanted, all of it as one part (see decoder/stepwise.ts).
 */
import type { Device } from '../engine/device.ts';
import type { WeightType } from '../engine/dtype.ts';
import type { Tensor } from '../engine/program.ts';
import { Int8PanelWriter } from './int8PanelWriter.ts';
import { PanelWriter, type Staging } from './panelWriter.ts';
import { RowUploads } from './rowUploads.ts';
import { RowWriter } from './rowWriter.ts';
import type { Int8Rows, StoredType, TensorData, TensorReader } from './tensorData.ts';

/** What a run of a load is told, and tells. */
export interface Reading {
  readonly signal: AbortSignal | undefined;
  /** Called with the name of each that has been read. */
  readonly onTensor: (name: string) => void;
}

export interface MatrixTarget {
  /** [panels, k, P] of one type each: whole panels of one matrix, one after the other. */
  readonly tensors: readonly Tensor[];
  readonly dtype: WeightType;
  /** Whose rows follow each other. */
  readonly parts: readonly { readonly name: string; readonly dtype: StoredType }[];
  /** More than 1 for a convolution, whose rows are [channel, tap]: on devices that pack panels alone. */
  readonly taps: number;
}

/** @throws what the reader throws, and {WeightsError} `outOfRange` */
export async function loadMatrix(
  device: Device,
  staging: Staging,
  reader: TensorReader,
  target: MatrixTarget,
  { signal, onTensor }: Reading,
): Promise<void> {
  const { dtype, parts } = target;
  try {
    // As they are in the file, if that has integers.
    const areIntegers = dtype === 'int8' && parts.every((part) => part.dtype === 'int8');
    const integers = areIntegers ? reader.int8 : undefined;
    const rows: Int8Rows[] = [];
    if (integers) for (const { name } of parts) rows.push(await integers.rows(name, signal));
    const writer = writerOf(device, staging, target, rows);
    for (const { name } of parts) {
      for await (const piece of (integers ?? reader).pieces(name, signal)) await writer.add(piece);
      onTensor(name);
    }
    await writer.finish();
  } catch (error) {
    staging.uploads?.free();
    // A device that was closed while this waited for it has another word for it.
    signal?.throwIfAborted();
    throw error;
  }
}

interface Writer {
  add(piece: TensorData): void | Promise<void>;
  finish(): void | Promise<void>;
}

function writerOf(
  device: Device,
  staging: Staging,
  { tensors, dtype, parts, taps }: MatrixTarget,
  rows: readonly Int8Rows[],
): Writer {
  if (device.packsPanels && dtype !== 'int8b32') {
    staging.uploads ??= new RowUploads(device);
    return new RowWriter(device, staging.uploads, { tensors, dtype, taps, rows });
  }
  if (dtype === 'int8') return new Int8PanelWriter(device, staging, tensors, rows);
  const areBits = dtype === 'f16' && parts.every((part) => part.dtype === 'f16');
  return new PanelWriter(device, staging, { tensors, dtype, areBits });
}
