/** Where models are kept. */
import type { OptionsOf, OptionTable } from '../src/options/spec.ts';

export const CACHE_OPTIONS = {
  cacheDir: {
    kind: 'text',
    where: ['load'],
    group: 'model',
    help: 'Where fetched and converted models are kept.',
    none: '$SOTTO_CACHE, else the cache folder of your system.',
    command: { name: 'model_dir', placeholder: 'DIR' },
  },
} as const satisfies OptionTable;

export type CacheOptions = OptionsOf<typeof CACHE_OPTIONS, 'load'>;
