/** A log-mel without sound, whose windows say which part of the recording they are. */
import type { LogMel } from '../../src/audio/features/logMel.ts';

/** `window(seek, size)` is [seek, size]; the window for language detection is [-1, -1]. */
export function placesMel(nFrames: number): LogMel {
  return {
    nMels: 1,
    nFrames,
    window: async (seek, size) => Float32Array.of(seek, size),
    detectionWindow: async () => Float32Array.of(-1, -1),
    close: async () => {},
  };
}
