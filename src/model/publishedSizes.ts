/** The sizes of the published models. @see openai/whisper, whisper/__init__.py; distil-whisper's config.json files */
import type { ModelDimensions } from './dims.ts';

export type PublishedName =
  | 'tiny'
  | 'tiny.en'
  | 'base'
  | 'small'
  | 'distil-small.en'
  | 'medium'
  | 'large-v2'
  | 'large-v3'
  | 'large-v3-turbo'
  | 'distil-large-v3';

export const publishedSizes: Readonly<Record<PublishedName, ModelDimensions>> = {
  tiny: size(384, 4, 4),
  'tiny.en': size(384, 4, 4, { nVocab: 51864 }),
  base: size(512, 6, 6),
  small: size(768, 12, 12),
  'distil-small.en': size(768, 12, 4, { nVocab: 51864 }),
  medium: size(1024, 24, 24),
  'large-v2': size(1280, 32, 32),
  'large-v3': size(1280, 32, 32, { nMels: 128, nVocab: 51866 }),
  'large-v3-turbo': size(1280, 32, 4, { nMels: 128, nVocab: 51866 }),
  'distil-large-v3': size(1280, 32, 2, { nMels: 128, nVocab: 51866 }),
};

function size(
  nState: number,
  nAudioLayer: number,
  nTextLayer: number,
  { nMels = 80, nVocab = 51865 }: { readonly nMels?: number; readonly nVocab?: number } = {},
): ModelDimensions {
  const nHead = nState / 64;
  return {
    nMels,
    nAudioCtx: 1500,
    nAudioState: nState,
    nAudioHead: nHead,
    nAudioLayer,
    nVocab,
    nTextCtx: 448,
    nTextState: nState,
    nTextHead: nHead,
    nTextLayer,
  };
}
