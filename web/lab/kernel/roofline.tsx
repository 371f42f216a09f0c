/**
 * A roofline, both axes logarithmic: GFLOP/s over FLOPs a byte, below what the device was measured to do at most. As text of
 * our own: two lines and some points, where a library of charts would be as large as the rest of the page.
 *
 * @see Williams, Waterman, Patterson, Roofline: an insightful visual performance model, 2009
 */
import type { JSX } from 'preact';
import type { Peaks, TimedCase } from 'sotto/lab';

export interface RooflinePoint {
  readonly name: string;
  readonly timing: TimedCase;
  /** The latest. */
  readonly isCurrent: boolean;
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN] = [560, 280, 62, 44, 14];

export function Roofline({
  peaks,
  points,
}: {
  readonly peaks: Peaks;
  readonly points: readonly RooflinePoint[];
}): JSX.Element {
  const ridge = peaks.gflops / peaks.gigabytes;
  const at = points.map(({ timing: { gflops, gigabytes } }) => ({ x: gflops / gigabytes, y: gflops }));
  const seen = at.filter(({ x, y }) => x > 0 && Number.isFinite(x) && y > 0);
  const [fromX, toX] = decades([ridge, ...seen.map(({ x }) => x)]);
  const [fromY, toY] = decades([peaks.gflops, fromX * peaks.gigabytes, ...seen.map(({ y }) => y)]);
  const scale = (value: number, from: number, to: number): number => (Math.log10(value) - from) / (to - from);
  const px = (x: number): number => LEFT + scale(x, Math.log10(fromX), Math.log10(toX)) * (WIDTH - LEFT - MARGIN);
  const py = (y: number): number =>
    HEIGHT - BOTTOM - scale(y, Math.log10(fromY), Math.log10(toY)) * (HEIGHT - BOTTOM - MARGIN);
  const roof = `M${px(fromX)} ${py(fromX * peaks.gigabytes)}L${px(ridge)} ${py(peaks.gflops)}L${px(toX)} ${py(peaks.gflops)}`;
  const shares = points.map(({ name, timing }) => `${name}, ${timing.place.title}: ${percent(timing.roofline)}`);
  return (
    <figure class="roofline">
      <div class="scroll">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Roofline. ${shares.join('; ')}`}>
          {ticks(fromX, toX).map((x) => (
            <g key={`x${x}`}>
              <line class="grid" x1={px(x)} x2={px(x)} y1={MARGIN} y2={HEIGHT - BOTTOM} />
              <text x={px(x)} y={HEIGHT - BOTTOM + 16} text-anchor="middle">
                {x}
              </text>
            </g>
          ))}
          {ticks(fromY, toY).map((y) => (
            <g key={`y${y}`}>
              <line class="grid" x1={LEFT} x2={WIDTH - MARGIN} y1={py(y)} y2={py(y)} />
              <text x={LEFT - 6} y={py(y) + 4} text-anchor="end">
                {y}
              </text>
            </g>
          ))}
          <path class="roof" d={roof} />
          {points.map(({ name, timing, isCurrent }, i) => {
            const { x, y } = at[i]!;
            if (!seen.includes(at[i]!)) return null;
            return (
              <circle
                key={`${name} ${timing.place.title}`}
                class={isCurrent ? 'current' : 'earlier'}
                cx={px(x)}
                cy={py(y)}
                r={isCurrent ? 6 : 4}
              >
                <title>{`${name}, ${timing.place.title}: ${percent(timing.roofline)} of the roofline`}</title>
              </circle>
            );
          })}
          <text x={(LEFT + WIDTH) / 2} y={HEIGHT - 6} text-anchor="middle">
            FLOPs a byte
          </text>
          <text transform={`translate(13 ${(HEIGHT - BOTTOM) / 2}) rotate(-90)`} text-anchor="middle">
            GFLOP/s
          </text>
        </svg>
      </div>
      <figcaption class="soft">
        Measured on this device: {peaks.gflops.toFixed(1)} GFLOP/s, {peaks.gigabytes.toFixed(1)} GB/s. A point above the
        line fits in a cache.
      </figcaption>
    </figure>
  );
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** Whole powers of ten around the values, none of which is at the edge. */
function decades(values: readonly number[]): readonly [number, number] {
  const logs = values.map(Math.log10);
  const from = Math.floor(Math.min(...logs) - 0.1);
  return [10 ** from, 10 ** Math.max(from + 1, Math.ceil(Math.max(...logs) + 0.1))];
}

function ticks(from: number, to: number): readonly number[] {
  const [low, high] = [Math.round(Math.log10(from)), Math.round(Math.log10(to))];
  return Array.from({ length: high - low + 1 }, (_, i) => Number((10 ** (low + i)).toPrecision(1)));
}
