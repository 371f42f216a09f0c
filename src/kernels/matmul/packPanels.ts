/**
 * Puts rows of a matrix, as they come from a file, into their places in the panels of the weights (panels.ts), bit for bit.
 *
 *   w[place.first + row] = staged[row]            row = 0 ... place.count - 1, the live ones
 *
 * staged: [rows, k], row after row; w: [panels, k, panelWidth]; place: [first, count], `first` even. Scales and zeros of int8
 * come along. Rows are moved in pairs, since two of f16 share a word: what an odd number of them lacks is a row of zeros.
 *
 * Rows of convolutions come as [channel, tap] and are wanted as [tap, channel]: `taps` is 1 for all others.
 *
 * It is for GPUs alone, where a model is loaded: a CPU moves them on the way from the file (model/panelWriter.ts).
 */
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { variants } from './packPanels.wgsl.ts';

/** What has one scale a row, or none. */
export const PACKED_TYPES = ['f32', 'f16', 'int8'] as const;

export const packPanels = defineKernel({
  name: 'packPanels',
  args: {
    staged: { access: 'read', dtype: PACKED_TYPES, dims: ['rows', 'k'] },
    place: { access: 'read', dtype: 'u32', dims: [2] },
    w: { access: 'readwrite', dtype: PACKED_TYPES, dims: ['panels', 'k', 'panelWidth'] },
  },
  params: { taps: 1 },
  check: ({ rows, k, panelWidth }, { taps }) =>
    rows % 2 !== 0 || panelWidth % 2 !== 0
      ? `rows go in pairs: ${rows} into panels of ${panelWidth}`
      : k % taps === 0
        ? undefined
        : `${k} inputs are not ${taps} taps of some channels`,
  cost: ({ rows, k }) => ({ flops: 0, bytes: 8 * rows * k }),
  // With the kernel, since who loads this one runs them.
  variants: { webgpu: variants },
});

export const reference: Reference<typeof packPanels> = ({ staged, place, w }, { k, panelWidth }, { taps }) => {
  const [first = 0, count = 0] = place;
  const channels = k / taps;
  for (let row = 0; row < count + (count % 2); row++) {
    const lane = (first + row) % panelWidth;
    const panel = (first + row - lane) / panelWidth;
    for (let i = 0; i < k; i++) {
      const from = row * k + (i % channels) * taps + Math.floor(i / channels);
      w[(panel * k + i) * panelWidth + lane] = row < count ? staged[from]! : 0;
    }
  }
};

/**
 * Values that int8 keeps to the bit: rows on grids whose steps have 12 bits, every other with a zero (engine/int8.ts); and all 24
 * bits where a row is one value.
 */
const onGrids: Fill = (staged, { k = 1 }, random) => {
  for (let at = 0; at < staged.length; at += k) {
    const step = k === 1 ? 2 * random() - 1 : Math.round(4096 * random() + 1) / 2 ** 16;
    const [least, span] = at % 2 === 0 ? [-200, 250] : [-127, 254];
    for (let i = at; i < at + k; i++) staged[i] = step * (k === 1 ? 1 : least + Math.round(span * random()));
  }
};

/** What was there before, which int8 keeps as well. */
const dirty: Fill = (w) => w.fill(6.25);

/** Rows `first` on of n. */
function sizes(n: number, k: number, first: number, [liveRows, rows]: readonly [number, number], taps = 1): KernelCase {
  const place: Fill = (words) => words.set([first, liveRows]);
  return {
    dims: { rows, k, n, panelWidth: 16, panels: Math.ceil(n / 16) },
    params: { taps },
    fill: { place, staged: onGrids, w: dirty },
    liveRows,
    note: `from row ${first} on`,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(5, 1, 0, [1, 2]),
  /* @__PURE__ */ sizes(200, 1, 64, [130, 130]),
  /* @__PURE__ */ sizes(130, 7, 64, [64, 64]),
  /* @__PURE__ */ sizes(131, 7, 128, [3, 64]),
  /* @__PURE__ */ sizes(200, 33, 58, [129, 140]),
  /* @__PURE__ */ sizes(64, 24, 6, [2, 4]),
  /* @__PURE__ */ sizes(24, 15, 0, [24, 64], 3),
  /* @__PURE__ */ sizes(70, 240, 64, [5, 64], 3),
  { .../* @__PURE__ */ sizes(1280, 1280, 64, [1024, 1024]), bench: true },
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
