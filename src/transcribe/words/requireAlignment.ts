import { OptionsError } from '../../base/errors.ts';
import type { Inference } from '../../decode/inference.ts';

/** @throws {OptionsError} `wordTimestamps` if the engine has no alignment heads */
export function requireAlignment({ align }: Inference): void {
  if (!align) throw new OptionsError('wordTimestamps', 'This engine has no alignment heads, so it has no word times.');
}
