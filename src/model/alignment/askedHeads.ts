/** The scores of any heads of the cross-attention, for those who look inside. */
import { OptionsError } from '../../base/errors.ts';
import type { AlignRequest } from '../../decode/inference.ts';
import { Arena } from '../decoder/kvCache.ts';
import type { ModelDimensions } from '../dims.ts';
import { Aligner, type AlignerOptions } from './aligner.ts';
import type { AlignmentHeads } from './alignmentHeads.ts';

/** As `Aligner.align`, with an aligner that is made for this request. */
export async function alignAskedHeads(
  decoder: Omit<AlignerOptions, 'memory' | 'heads'>,
  asked: NonNullable<AlignRequest['heads']>,
  ...request: Parameters<Aligner['align']>
): Promise<Float32Array> {
  const heads = headsOf(asked, decoder.dims);
  const memory = new Arena(decoder.device);
  try {
    return await new Aligner({ ...decoder, memory, heads }).align(...request);
  } finally {
    memory.freeAll();
  }
}

/** @throws {OptionsError} `range` for a head that the decoder does not have */
function headsOf(
  asked: 'all' | AlignmentHeads,
  { nTextLayer, nTextHead }: Pick<ModelDimensions, 'nTextLayer' | 'nTextHead'>,
): AlignmentHeads {
  if (asked === 'all')
    return Array.from(
      { length: nTextLayer * nTextHead },
      (_, i) => [Math.floor(i / nTextHead), i % nTextHead] as const,
    );
  for (const [layer, head] of asked) {
    if (isBelow(layer, nTextLayer) && isBelow(head, nTextHead)) continue;
    throw new OptionsError('range', `There is no cross-attention head ${head} in layer ${layer}.`, {
      hint: `The decoder has layers 0 to ${nTextLayer - 1} of heads 0 to ${nTextHead - 1}.`,
    });
  }
  return asked;
}

function isBelow(index: number, count: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < count;
}
