import { byMemory, SUM } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { EPSILON } from '../norm/epsilon.ts';

const THREADS = 128;

/** A row that fits workgroup memory beside what the sums take. */
const LONGEST = 2048;

export const variants: readonly WgslVariant<'rows' | 'k' | 'xWidth'>[] = [
  {
    // One workgroup a row; thread i takes columns i, i + 128, ..., whose sums over parts it keeps.
    name: 'groupPerRow',
    when: (c) => c.dims.k! <= LONGEST,
    reduces: true,
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl({ dims: { k, xWidth } }, _gpu, by = byMemory) {
      const terms = Array.from({ length: xWidth / k }, (_, p) => `x[at + ${p * k}u]`);
      const columns = (statements: string): string =>
        `for (var c = thread; c < ${k}u; c += ${THREADS}u) { ${statements} }`;
      return /* wgsl */ `
${by.team('total', THREADS, SUM)}
var<workgroup> sums: array<f32, ${k}>;
${by.main(
  THREADS,
  `  var sum = 0f;
  ${columns(`let at = group.x * ${xWidth}u + c; let value = ${terms.join(' + ')}; sums[c] = value; sum += value;`)}
  let mean = total(sum, thread) / ${k}f;
  var squares = 0f;
  ${columns('let d = sums[c] - mean; squares += d * d;')}
  let scale = inverseSqrt(total(squares, thread) / ${k}f + ${EPSILON}f);
  ${columns(`y[group.x * ${k}u + c] = (sums[c] - mean) * scale * gamma[c] + beta[c];`)}`,
)}`;
    },
  },
];
