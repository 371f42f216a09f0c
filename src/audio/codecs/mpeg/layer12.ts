/**
 * Layers I and II: quantised samples of 32 subbands, each with a scale factor for 12 of them.
 *
 * @see ISO/IEC 11172-3, 2.4.1.5, 2.4.1.6, 2.4.3.2, 2.4.3.3; rounded to multiples of 2 ** -23 as in ffmpeg's mpegaudiodec
 */

import type { MpegFrame } from '../../containers/mpegFrame.ts';
import { type Quantiser, subbandChoices } from './bitAllocation.ts';
import { SUBBANDS } from './imdct.ts';
import type { MpegBits } from './mpegBits.ts';

const ONE = 2 ** 23;
/** Scale factor i is 2 * CUBE_ROOTS[i % 3] / 2 ** floor(i / 3). */
const CUBE_ROOTS = [1, 0.7937005259, 0.6299605249];

/** What a step is worth at scale factors 0 to 2, by bits of the quantiser, 2 to 16; shape [17, 3]. */
const UNGROUPED = Float64Array.from({ length: 17 * 3 }, (_, index) => {
  const bits = Math.floor(index / 3);
  if (bits < 2) return 0;
  const unit = Math.floor((2 ** bits * ONE) / (2 ** bits - 1));
  return Math.floor((unit * Math.floor(2 * CUBE_ROOTS[index % 3]! * ONE + 0.5)) / ONE);
});

/** The same for 3, 5 and 9 steps, which share codes; shape [10, 3]. */
const GROUPED = Float64Array.from({ length: 10 * 3 }, (_, index) => {
  const steps = Math.floor(index / 3);
  return steps < 3 ? 0 : Math.floor(CUBE_ROOTS[index % 3]! * (4 / steps) * ONE + 0.5);
});

/** 2 ** -n. */
const HALVES = Float64Array.from({ length: 64 }, (_, n) => 2 ** -n);
/** Scale factors in octaves: floor(i / 3), and what is left of i. */
const OCTAVES = Uint8Array.from({ length: 64 }, (_, i) => i / 3);
const WITHIN_OCTAVE = Uint8Array.from({ length: 64 }, (_, i) => i % 3);

/** The subband sample of `code`, one of 2 ** bits - 1, around the middle one. */
function ungrouped(bits: number, code: number, scaleFactor: number): number {
  const value = (code - (1 << (bits - 1)) + 1) * UNGROUPED[3 * bits + WITHIN_OCTAVE[scaleFactor]!]!;
  return Math.floor(value * HALVES[OCTAVES[scaleFactor]! + bits - 1]! + 0.5) / ONE;
}

/** The subband sample of `code`, one of 3, 5 or 9 steps. */
function grouped(steps: number, code: number, scaleFactor: number): number {
  const value = (code - (steps >> 1)) * GROUPED[3 * steps + WITHIN_OCTAVE[scaleFactor]!]!;
  return Math.floor(value * HALVES[OCTAVES[scaleFactor]!]! + 0.5) / ONE;
}

/** First subband whose samples both channels share; each has its own scale factors. */
function intensityBound(header: MpegFrame, nSubbands: number): number {
  return header.isJointStereo ? Math.min(4 * (header.modeExtension + 1), nSubbands) : nSubbands;
}

/**
 * @param bits at the allocation
 * @param subbands of each channel; shape [12, 32] or more
 * @returns moments filled
 */
export function decodeLayer1(bits: MpegBits, header: MpegFrame, subbands: readonly Float64Array[]): number {
  const { nChannels } = header;
  const bound = intensityBound(header, SUBBANDS);
  const allocation = new Uint8Array(2 * SUBBANDS);
  const scaleFactors = new Uint8Array(2 * SUBBANDS);
  for (let i = 0; i < SUBBANDS; i++) {
    if (i < bound) {
      for (let channel = 0; channel < nChannels; channel++) allocation[2 * i + channel] = bits.read(4);
    } else {
      allocation.fill(bits.read(4), 2 * i, 2 * i + 2);
    }
  }
  for (let i = 0; i < SUBBANDS; i++) {
    for (let channel = 0; channel < nChannels; channel++) {
      if (allocation[2 * i + channel]! > 0) scaleFactors[2 * i + channel] = bits.read(6);
    }
  }
  for (let moment = 0; moment < 12; moment++) {
    for (let i = 0; i < SUBBANDS; i++) {
      let code = 0;
      for (let channel = 0; channel < nChannels; channel++) {
        const nBits = allocation[2 * i + channel]! + 1;
        if (nBits > 1 && (channel === 0 || i < bound)) code = bits.read(nBits);
        subbands[channel]![moment * SUBBANDS + i] =
          nBits > 1 ? ungrouped(nBits, code, scaleFactors[2 * i + channel]!) : 0;
      }
    }
  }
  return 12;
}

/** Which of three scale factors are sent, by selection: indices of those read, in place of the three. */
const SELECTIONS = [
  [0, 1, 2],
  [0, 0, 1],
  [0, 0, 0],
  [0, 1, 1],
];

/** Arguments as of `decodeLayer1`; shape of `subbands` [36, 32]. */
export function decodeLayer2(bits: MpegBits, header: MpegFrame, subbands: readonly Float64Array[]): number {
  const { nChannels } = header;
  const choices = subbandChoices(header);
  const bound = intensityBound(header, choices.length);
  const quantisers: (Quantiser | undefined)[] = new Array<undefined>(2 * choices.length).fill(undefined);
  const selections = new Uint8Array(2 * SUBBANDS);
  /** Shape [nSubbands, 2, 3]. */
  const scaleFactors = new Uint8Array(2 * SUBBANDS * 3);
  for (const [i, choice] of choices.entries()) {
    for (let channel = 0; channel < nChannels; channel++) {
      const isShared = i >= bound && channel === 1;
      quantisers[2 * i + channel] = isShared ? quantisers[2 * i] : choice.quantisers[bits.read(choice.bits)];
    }
  }
  for (let i = 0; i < 2 * choices.length; i++) {
    if (quantisers[i]) selections[i] = bits.read(2);
  }
  for (let i = 0; i < 2 * choices.length; i++) {
    if (!quantisers[i]) continue;
    const selection = SELECTIONS[selections[i]!]!;
    const sent = [0, 0, 0];
    for (let k = 0; k <= selection[2]!; k++) sent[k] = bits.read(6);
    for (let k = 0; k < 3; k++) scaleFactors[3 * i + k] = sent[selection[k]!]!;
  }
  const codes = [0, 0, 0];
  for (let moment = 0; moment < 36; moment += 3) {
    const part = Math.floor(moment / 12);
    for (let i = 0; i < SUBBANDS; i++) {
      for (let channel = 0; channel < nChannels; channel++) {
        const quantiser = quantisers[2 * i + channel];
        const isRead = channel === 0 || i < bound;
        if (quantiser && isRead) readThree(bits, quantiser, codes);
        const scaleFactor = scaleFactors[3 * (2 * i + channel) + part]!;
        for (let k = 0; k < 3; k++) {
          let sample = 0;
          if (quantiser?.isGrouped) sample = grouped(quantiser.steps, codes[k]!, scaleFactor);
          else if (quantiser) sample = ungrouped(quantiser.bits, codes[k]!, scaleFactor);
          subbands[channel]![(moment + k) * SUBBANDS + i] = sample;
        }
      }
    }
  }
  return 36;
}

function readThree(bits: MpegBits, { isGrouped, bits: nBits, steps }: Quantiser, codes: number[]): void {
  if (!isGrouped) {
    for (let k = 0; k < 3; k++) codes[k] = bits.read(nBits);
    return;
  }
  const code = bits.read(nBits);
  codes[0] = code % steps;
  codes[1] = Math.floor(code / steps) % steps;
  codes[2] = Math.floor(code / steps ** 2);
}
