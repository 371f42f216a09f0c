/**
 * The tiny model as a folder of sotto's own form, for tests that start the whole of it: converted once from the weight
 * package into `.cache` of the repository, which git ignores. Tests in several processes may ask at once.
 */
import { locateModel } from '../../weights/locate.ts';
import { testCache } from './command.ts';

export function tinyModel(): Promise<string> {
  return locateModel('tiny-demo', { cacheDir: testCache });
}
