/** Error over tolerance of an output, drawn: the last dim from left to right, the others from top to bottom. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Comparison } from 'sotto/lab';
import { figure, indexOf, shareWrong } from './words.ts';

/** Pixels of the longer side. */
const WIDTH = 640;

export function ErrorMapFigure({ output }: { readonly output: Comparison }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pointed = useSignal('');
  const { map, worst, arg, shape, ratio } = output;
  const { rows, columns, rowsEach, columnsEach, ratios } = map;
  const cell = Math.max(3, Math.min(24, Math.floor(WIDTH / columns)));
  const worstCell = worst && cellOf(output, worst.index);

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.clearRect(0, 0, columns * cell, rows * cell);
    ratios.forEach((value, i) => {
      context.fillStyle = colourOf(value);
      context.fillRect((i % columns) * cell, Math.floor(i / columns) * cell, cell - 0.5, cell - 0.5);
    });
    if (worstCell === undefined) return;
    context.strokeStyle = ratio > 1 ? '#fff' : '#888';
    context.lineWidth = 2;
    context.strokeRect(
      (worstCell % columns) * cell + 1,
      Math.floor(worstCell / columns) * cell + 1,
      cell - 2.5,
      cell - 2.5,
    );
  }, [output]);

  const point = (event: PointerEvent & { readonly currentTarget: HTMLCanvasElement }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    const value = ratios[row * columns + column];
    if (value === undefined) return;
    const span = (at: number, each: number): string =>
      each === 1 ? String(at) : `${at * each} to ${(at + 1) * each - 1}`;
    pointed.value = `row ${span(row, rowsEach)}, column ${span(column, columnsEach)}: ${ratioText(value)}`;
  };

  return (
    <figure class="error-map">
      <div class="scroll">
        <canvas
          ref={canvas}
          width={columns * cell}
          height={rows * cell}
          role="img"
          aria-label={`Map of the error of ${arg}, ${rows} by ${columns} cells. ${shareWrong(output)}`}
          onPointerMove={point}
          onPointerLeave={() => {
            pointed.value = '';
          }}
        />
      </div>
      <figcaption>
        <p>
          <strong>{arg}</strong> [{shape.join(', ')}]: |error| over its tolerance
          {rowsEach * columnsEach > 1 && `, the largest of ${rowsEach} × ${columnsEach} elements a cell`}.{' '}
          <span class="legend" aria-hidden="true">
            <i style={{ background: colourOf(0) }} /> 0 <i style={{ background: colourOf(0.5) }} /> ½{' '}
            <i style={{ background: colourOf(1) }} /> 1 <i style={{ background: colourOf(2) }} /> over{' '}
            <i style={{ background: colourOf(1e6) }} /> NaN, ∞ or 10⁶
          </span>
        </p>
        {worst && (
          <p>
            Worst at index {worst.index}, {indexOf(output, worst.index)}: came <b>{figure(worst.got)}</b>, wanted{' '}
            <b>{figure(worst.wanted)}</b> ± {figure(worst.within)}. {shareWrong(output)}
          </p>
        )}
        {!worst && <p>Every element is exactly what was wanted.</p>}
        <p class="pointed">{pointed.value || ' '}</p>
      </figcaption>
    </figure>
  );
}

function cellOf({ shape, count, map }: Comparison, index: number): number {
  const width = Math.max(1, Math.min(count, shape.at(-1) ?? 1));
  return (
    Math.floor(Math.floor(index / width) / map.rowsEach) * map.columns + Math.floor((index % width) / map.columnsEach)
  );
}

function ratioText(ratio: number): string {
  if (ratio >= 1e6) return 'a million tolerances or more, or NaN';
  return `${figure(Number(ratio.toPrecision(3)))} of the tolerance`;
}

/** Green to yellow within the tolerance, red outside of it, violet for what is no number. */
function colourOf(ratio: number): string {
  if (ratio >= 1e6) return 'oklch(45% 0.2 310)';
  if (ratio > 1) return `oklch(${58 - 4 * Math.min(3, Math.log10(ratio))}% 0.2 27)`;
  return `oklch(${72 + 12 * ratio}% ${0.06 + 0.08 * ratio} ${165 - 75 * ratio})`;
}
