/** Drawings of an inspection, as SVG: sound with words, attention with the path, candidates, beams. */
import { escapeXml } from '../../base/xml.ts';
import type { InspectedAttempt, InspectedHead, Inspection, Matrix } from '../inspection.ts';
import { matrixPng } from './png.ts';
import { label, line, round, shown, svg } from './svg.ts';

const LEFT = 130;
const TOP = 70;
const PLOT = 1100;
const MARGIN = 20;

/** Names of the drawings, as their files have them, with what draws them; undefined where there is nothing to draw. */
export const DRAWINGS: Readonly<Record<string, (inspection: Inspection) => string | undefined>> = {
  mel: drawMel,
  attention: (inspection) => drawAttention(inspection),
  head: (inspection) => {
    const [head, ...more] = inspection.alignment?.heads ?? [];
    return head && more.length === 0 ? drawAttention(inspection, head) : undefined;
  },
  candidates: ({ attempts }) => drawCandidates(attempts.at(-1)),
  beams: ({ attempts }) => drawBeams(attempts.findLast(({ beams }) => beams)),
};

/** The log-mel, and the words on its axis of time. */
export function drawMel({ mel, window, segments }: Inspection): string {
  const height = 3 * mel.rows;
  const flipped = upsideDown(mel);
  const words = segments.flatMap(({ words: timed = [] }) => timed);
  const at = (seconds: number): number => LEFT + ((seconds - window.start) / (window.end - window.start)) * PLOT;
  const body = [
    image(flipped, [-0.6, 1.4], height),
    label(LEFT - 8, TOP + 12, 'high', 'm r'),
    label(LEFT - 8, TOP + height, 'low', 'm r'),
    ...timeAxis(window.start, window.end, TOP + height),
    ...words.flatMap(({ word, start }, i) => {
      const y = TOP + height + 44 + 16 * (i % 4);
      return [line(at(start), TOP, at(start), y - 10), label(at(start) + 3, y, word.trim(), 'w')];
    }),
  ];
  const text = words
    .map(({ word }) => word)
    .join('')
    .trim();
  return svg({
    width: LEFT + PLOT + MARGIN,
    height: TOP + height + 120,
    title: `Log-mel, ${seconds(window.start)} to ${seconds(window.end)}`,
    description: text ? `The window says: ${text}` : 'The window has no words.',
    body,
  });
}

/**
 * The path that words are timed by, and the token of each row, on the mean of the filtered alignment heads or on one head.
 *
 * @param head of `alignment.heads`: its probabilities in place of the mean
 * @returns undefined where the window has no text
 */
export function drawAttention({ alignment, window }: Inspection, head?: InspectedHead): string | undefined {
  if (!alignment) return undefined;
  const { path, tokens, firstRow, words } = alignment;
  const mean = head ? rowsFrom(head.probabilities, firstRow, alignment.mean.rows) : alignment.mean;
  const rowHeight = 18;
  const height = rowHeight * mean.rows;
  const x = (column: number): number => LEFT + (column / mean.columns) * PLOT;
  const steps = path.map((column, row) => {
    const end = path[row + 1] ?? mean.columns;
    const y = TOP + rowHeight * (row + 0.5);
    return `${row === 0 ? 'M' : 'L'}${round(x(column))} ${y}L${round(x(end))} ${y}`;
  });
  // A row predicts the token after it.
  const rows = path.map((_, row) => shown(tokens[firstRow + row + 1]?.text ?? ''));
  return svg({
    width: LEFT + PLOT + MARGIN,
    height: TOP + height + 50,
    title: head
      ? `Cross-attention of layer ${head.layer}, head ${head.head}, and the path that words are timed by`
      : 'Attention that words are timed by: mean of the alignment heads, and the path',
    description: words.map(({ word, start }) => `${word.trim()} at ${seconds(start)}`).join(', '),
    body: [
      image(mean, [0, Math.max(...mean.values)], height),
      ...rows.map((text, row) => label(LEFT - 8, TOP + rowHeight * row + 13, text, 'r')),
      `<path class="p" d="${steps.join('')}"/>`,
      ...timeAxis(window.start, window.start + mean.columns * alignment.secondsPerColumn, TOP + height),
    ],
  });
}

function rowsFrom({ columns, values }: Matrix, first: number, rows: number): Matrix {
  return { rows, columns, values: values.subarray(first * columns, (first + rows) * columns) };
}

/** A row a token: its candidates, the likeliest for the model first, those that are struck out with their rule. */
export function drawCandidates(attempt: InspectedAttempt | undefined): string | undefined {
  if (!attempt || attempt.steps.length === 0) return undefined;
  const [cell, rowHeight, most] = [150, 40, 8];
  const rows = attempt.steps.map((step, i) => {
    const y = TOP + rowHeight * i;
    const first = step.candidates.slice(0, most);
    const listed = first.some(({ isChosen }) => isChosen)
      ? first
      : [...first.slice(0, most - 1), ...step.candidates.filter(({ isChosen }) => isChosen)];
    const cells = listed.map(({ text, modelProbability, probability, rule, isChosen }, k) => {
      const x = LEFT + cell * k;
      const bar = `<rect class="${rule ? 's' : 'b'}" opacity="0.35" x="${x}" y="${y}" height="16" width="${round((cell - 10) * modelProbability)}"/>`;
      const name = `<text x="${x + 3}" y="${y + 12}" class="${isChosen ? 'w' : ''}"${rule ? ' text-decoration="line-through"' : ''}>${escapeXml(shown(text).slice(0, 18))}</text>`;
      const under = rule ?? `${percent(probability)}${isChosen ? ' chosen' : ''}`;
      return `${bar}${name}${label(x + 3, y + 28, under, rule ? 's' : 'm')}`;
    });
    return [label(LEFT - 8, y + 12, shown(step.text), 'r w'), label(LEFT - 8, y + 28, String(i), 'm r'), ...cells].join(
      '',
    );
  });
  return svg({
    width: LEFT + cell * most + MARGIN,
    height: TOP + rowHeight * rows.length + MARGIN,
    title: `Candidates of each token at temperature ${round(attempt.temperature)}`,
    description: attempt.steps
      .map(
        ({ text, candidates }) =>
          `${text.trim()}: ${percent(candidates.find(({ isChosen }) => isChosen)?.probability ?? 0)}`,
      )
      .join(', '),
    body: [
      label(
        LEFT,
        50,
        'Bars: probability before the rules. Struck out: the rule. Below: probability after the rules.',
        'm',
      ),
      ...rows,
    ],
  });
}

/** Steps from left to right, beams best first; the way of the text that was chosen is marked. */
export function drawBeams(attempt: InspectedAttempt | undefined): string | undefined {
  const beams = attempt?.beams;
  if (!attempt || !beams) return undefined;
  const [cell, rowHeight] = [96, 40];
  const used = new Map<number, number>();
  const places = beams.nodes.map(({ step, fate }) => {
    if (fate === 'dropped') return undefined;
    const row = used.get(step) ?? 0;
    used.set(step, row + 1);
    return { x: 16 + cell * step, y: TOP + rowHeight * row };
  });
  const body = beams.nodes.flatMap(({ parent, text, score, fate, isChosen }, i) => {
    const place = places[i];
    if (!place) return [];
    const from = parent === null ? undefined : places[parent];
    const link = from ? [line(from.x + 66, from.y + 8, place.x - 4, place.y + 8, isChosen ? 'p' : 'l')] : [];
    const name = label(place.x, place.y + 10, shown(text).slice(0, 10), isChosen ? 'w' : '');
    const under = `${score.toFixed(2)}${fate === 'finished' ? ' end' : ''}`;
    return [...link, name, label(place.x, place.y + 24, under, fate === 'finished' ? 's' : 'm')];
  });
  const steps = Math.max(...used.keys()) + 1;
  return svg({
    width: Math.max(480, 32 + cell * steps),
    height: TOP + rowHeight * Math.max(...used.values()) + MARGIN,
    title: `${beams.beamSize} beams`,
    description: `The text that was chosen: ${attempt.text}`,
    body: [
      label(
        16,
        48,
        'Below each token the sum of log-probabilities up to it. Dropped continuations are in the JSON.',
        'm',
      ),
      ...body,
    ],
  });
}

function image(matrix: Matrix, range: readonly [number, number], height: number): string {
  return `<image x="${LEFT}" y="${TOP}" width="${PLOT}" height="${height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${matrixPng(matrix, range)}"/>`;
}

function timeAxis(start: number, end: number, y: number): string[] {
  const every = end - start > 12 ? 2 : 1;
  const ticks: string[] = [line(LEFT, y, LEFT + PLOT, y)];
  for (let t = Math.ceil(start / every) * every; t <= end; t += every) {
    const x = LEFT + ((t - start) / (end - start)) * PLOT;
    ticks.push(line(x, y, x, y + 5), label(x, y + 20, seconds(t), 'm c'));
  }
  return ticks;
}

function upsideDown({ rows, columns, values }: Matrix): Matrix {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    out.set(values.subarray(row * columns, (row + 1) * columns), (rows - 1 - row) * columns);
  return { rows, columns, values: out };
}

function seconds(value: number): string {
  return `${Math.round(value * 100) / 100} s`;
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(probability < 0.1 ? 2 : 1)} %`;
}
