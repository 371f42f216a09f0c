/** `measureActivity` for those who import it by name: loaded when it is called, so that a page that never does has none of it. */
import type { Activity } from './activity.ts';
import type { LogMel } from './logMel.ts';

/**
 * Measures every frame of a recording, and returns to the event loop after every 30 s of it.
 *
 * @throws what reading the windows throws; the signal's reason
 */
export async function measureActivity(
  mel: Pick<LogMel, 'nFrames' | 'window'>,
  signal?: AbortSignal,
): Promise<Activity> {
  const activity = await import('./activity.ts');
  return activity.measureActivity(mel, signal);
}
