/**
 * Tables of SILK's gains, pitch, long-term prediction and stereo. A distribution is given as `OpusRange.symbol` takes it.
 *
 * @see RFC 6716, tables 3 to 13, 29 to 43
 */

type Distribution = readonly number[];

export const LOW_RATE_FLAGS: readonly Distribution[] = [
  [203, 150, 0],
  [215, 195, 166, 125, 110, 82, 0],
];

export const STEREO_STAGE_1: Distribution = [
  249, 247, 246, 245, 244, 234, 210, 202, 201, 200, 197, 174, 82, 59, 56, 55, 54, 46, 22, 12, 11, 10, 9, 7, 0,
];
export const STEREO_WEIGHTS: readonly number[] = [
  -13732, -10050, -8266, -7526, -6500, -5000, -2950, -820, 820, 2950, 5000, 6500, 7526, 8266, 10050, 13732,
];
export const MID_ONLY: Distribution = [64, 0];

export const UNIFORM_3: Distribution = [171, 85, 0];
export const UNIFORM_4: Distribution = [192, 128, 64, 0];
export const UNIFORM_5: Distribution = [205, 154, 102, 51, 0];
export const UNIFORM_6: Distribution = [213, 171, 128, 85, 43, 0];
export const UNIFORM_8: Distribution = [224, 192, 160, 128, 96, 64, 32, 0];

export const INACTIVE_FRAME_TYPE: Distribution = [230, 0];
export const ACTIVE_FRAME_TYPE: Distribution = [232, 158, 10, 0];

/** For inactive, unvoiced and voiced frames. */
export const GAIN_HIGH: readonly [Distribution, Distribution, Distribution] = [
  [224, 112, 44, 15, 3, 2, 1, 0],
  [254, 237, 192, 132, 70, 23, 4, 0],
  [255, 252, 226, 155, 61, 11, 2, 0],
];
export const GAIN_DELTA: Distribution = [
  250, 245, 234, 203, 71, 50, 42, 38, 35, 33, 31, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,
  12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
];

export const PITCH_HIGH: Distribution = [
  253, 250, 244, 233, 212, 182, 150, 131, 120, 110, 98, 85, 72, 60, 49, 40, 32, 25, 19, 15, 13, 11, 9, 8, 7, 6, 5, 4, 3,
  2, 1, 0,
];
export const PITCH_DELTA: Distribution = [
  210, 208, 206, 203, 199, 193, 183, 168, 142, 104, 74, 52, 37, 27, 20, 14, 10, 6, 4, 2, 0,
];

/** What a contour adds to the lag of each subframe. */
export interface PitchContours {
  readonly distribution: Distribution;
  /** Shape [nContours, nSubframes]. */
  readonly offsets: readonly (readonly number[])[];
}
export const NARROW_CONTOURS_10: PitchContours = {
  distribution: [113, 63, 0],
  offsets: [
    [0, 0],
    [1, 0],
    [0, 1],
  ],
};
export const NARROW_CONTOURS_20: PitchContours = {
  distribution: [188, 176, 155, 138, 119, 97, 67, 43, 26, 10, 0],
  offsets: [
    [0, 0, 0, 0],
    [2, 1, 0, -1],
    [-1, 0, 1, 2],
    [-1, 0, 0, 1],
    [-1, 0, 0, 0],
    [0, 0, 0, 1],
    [0, 0, 1, 1],
    [1, 1, 0, 0],
    [1, 0, 0, 0],
    [0, 0, 0, -1],
    [1, 0, 0, -1],
  ],
};
export const WIDE_CONTOURS_10: PitchContours = {
  distribution: [165, 119, 80, 61, 47, 35, 27, 20, 14, 9, 4, 0],
  offsets: [
    [0, 0],
    [0, 1],
    [1, 0],
    [-1, 1],
    [1, -1],
    [-1, 2],
    [2, -1],
    [-2, 2],
    [2, -2],
    [-2, 3],
    [3, -2],
    [-3, 3],
  ],
};
export const WIDE_CONTOURS_20: PitchContours = {
  distribution: [
    223, 201, 183, 167, 152, 138, 124, 111, 98, 88, 79, 70, 62, 56, 50, 44, 39, 35, 31, 27, 24, 21, 18, 16, 14, 12, 10,
    8, 6, 4, 3, 2, 1, 0,
  ],
  offsets: [
    [0, 0, 0, 0],
    [0, 0, 1, 1],
    [1, 1, 0, 0],
    [-1, 0, 0, 0],
    [0, 0, 0, 1],
    [1, 0, 0, 0],
    [-1, 0, 0, 1],
    [0, 0, 0, -1],
    [-1, 0, 1, 2],
    [1, 0, 0, -1],
    [-2, -1, 1, 2],
    [2, 1, 0, -1],
    [-2, 0, 0, 2],
    [-2, 0, 1, 3],
    [2, 1, -1, -2],
    [-3, -1, 1, 3],
    [2, 0, 0, -2],
    [3, 1, 0, -2],
    [-3, -1, 2, 4],
    [-4, -1, 1, 4],
    [3, 1, -1, -3],
    [-4, -1, 2, 5],
    [4, 2, -1, -3],
    [4, 1, -1, -4],
    [-5, -1, 2, 6],
    [5, 2, -1, -4],
    [-6, -2, 2, 6],
    [-5, -2, 2, 5],
    [6, 2, -1, -5],
    [-7, -2, 3, 8],
    [6, 2, -2, -6],
    [5, 2, -2, -5],
    [8, 3, -2, -7],
    [-9, -3, 3, 9],
  ],
};

export const PERIODICITY: Distribution = [179, 99, 0];
/** Long-term prediction: five taps a filter in Q7, by PERIODICITY. */
export const LONG_TERM_FILTERS: readonly {
  readonly distribution: Distribution;
  readonly taps: readonly (readonly number[])[];
}[] = [
  {
    distribution: [71, 56, 43, 30, 21, 12, 6, 0],
    taps: [
      [4, 6, 24, 7, 5],
      [0, 0, 2, 0, 0],
      [12, 28, 41, 13, -4],
      [-9, 15, 42, 25, 14],
      [1, -2, 62, 41, -9],
      [-10, 37, 65, -4, 3],
      [-6, 4, 66, 7, -8],
      [16, 14, 38, -3, 33],
    ],
  },
  {
    distribution: [199, 165, 144, 124, 109, 96, 84, 71, 61, 51, 42, 32, 23, 15, 8, 0],
    taps: [
      [13, 22, 39, 23, 12],
      [-1, 36, 64, 27, -6],
      [-7, 10, 55, 43, 17],
      [1, 1, 8, 1, 1],
      [6, -11, 74, 53, -9],
      [-12, 55, 76, -12, 8],
      [-3, 3, 93, 27, -4],
      [26, 39, 59, 3, -8],
      [2, 0, 77, 11, 9],
      [-8, 22, 44, -6, 7],
      [40, 9, 26, 3, 9],
      [-7, 20, 101, -7, 4],
      [3, -8, 42, 26, 0],
      [-15, 33, 68, 2, 23],
      [-2, 55, 46, -2, 15],
      [3, -1, 21, 16, 41],
    ],
  },
  {
    distribution: [
      241, 225, 211, 199, 187, 175, 164, 153, 142, 132, 123, 114, 105, 96, 88, 80, 72, 64, 57, 50, 44, 38, 33, 29, 24,
      20, 16, 12, 9, 5, 2, 0,
    ],
    taps: [
      [-6, 27, 61, 39, 5],
      [-11, 42, 88, 4, 1],
      [-2, 60, 65, 6, -4],
      [-1, -5, 73, 56, 1],
      [-9, 19, 94, 29, -9],
      [0, 12, 99, 6, 4],
      [8, -19, 102, 46, -13],
      [3, 2, 13, 3, 2],
      [9, -21, 84, 72, -18],
      [-11, 46, 104, -22, 8],
      [18, 38, 48, 23, 0],
      [-16, 70, 83, -21, 11],
      [5, -11, 117, 22, -8],
      [-6, 23, 117, -12, 3],
      [3, -8, 95, 28, 4],
      [-10, 15, 77, 60, -15],
      [-1, 4, 124, 2, -4],
      [3, 38, 84, 24, -25],
      [2, 13, 42, 13, 31],
      [21, -4, 56, 46, -1],
      [-1, 35, 79, -13, 19],
      [-7, 65, 88, -9, -14],
      [20, 4, 81, 49, -29],
      [20, 0, 75, 3, -17],
      [5, -9, 44, 92, -8],
      [1, -3, 22, 69, 31],
      [-6, 95, 41, -12, 5],
      [39, 67, 16, -4, 1],
      [0, -6, 120, 55, -36],
      [-13, 44, 122, 4, -24],
      [81, 5, 11, 3, 7],
      [2, 0, 9, 10, 88],
    ],
  },
];
export const LONG_TERM_SCALE: Distribution = [128, 64, 0];
/** In Q14. */
export const LONG_TERM_SCALE_VALUES: readonly number[] = [15565, 12288, 8192];
