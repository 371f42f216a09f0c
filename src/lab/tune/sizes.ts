/** The published models by their names, as far as their kernels differ: shapes, and how their weights are stored. */
import type { WeightType } from '../../engine/dtype.ts';
import type { ModelDimensions } from '../../model/dims.ts';
import { type PublishedName, publishedSizes } from '../../model/publishedSizes.ts';
import type { SizeToTune } from './modelUses.ts';

/** A model for English has a token less. */
const english = (dims: ModelDimensions): ModelDimensions => ({ ...dims, nVocab: 51864 });

export type TunedName = PublishedName | 'base.en' | 'small.en' | 'medium.en' | 'turbo';

const SHAPES: Readonly<Record<TunedName, ModelDimensions>> = {
  ...publishedSizes,
  'base.en': english(publishedSizes.base),
  'small.en': english(publishedSizes.small),
  'medium.en': english(publishedSizes.medium),
  turbo: publishedSizes['large-v3-turbo'],
};

export const TUNED_NAMES: readonly TunedName[] = Object.keys(SHAPES) as TunedName[]; // its keys, and no others

/** @param dtypes `auto`: as their files have them, from large-v3 on and of the distilled ones in f16 */
export function sizesOf(names: readonly TunedName[], dtypes: readonly (WeightType | 'auto')[]): readonly SizeToTune[] {
  return names.flatMap((name) => {
    const stored: WeightType = /large-v3|turbo|distil/.test(name) ? 'f16' : 'f32';
    const types = new Set(dtypes.map((dtype) => (dtype === 'auto' ? stored : dtype)));
    return [...types].map((dtype): SizeToTune => {
      return { dims: SHAPES[name], dtype, cacheDtype: dtype === 'int8' ? 'f16' : 'f32' };
    });
  });
}
