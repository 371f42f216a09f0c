/** Dawn's name for matrices of subgroups, which are no standard yet. In a file of its own since every page has it. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix';
