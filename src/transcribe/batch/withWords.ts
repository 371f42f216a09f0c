import type { ResolvedTranscribeOptions } from '../options.ts';
import type { SpeechModel } from '../speechModel.ts';
import { clearIfBlank } from '../window/segments.ts';
import type { WindowResult } from '../window/window.ts';
import { type AlignedWindow, segmentsWithWords } from '../words/alignedWindow.ts';

/** The result of a window of which only the words of `taken` are left. */
export type WithWords = (window: WindowResult, taken: AlignedWindow) => WindowResult;

export function withWordsOf(model: SpeechModel, options: ResolvedTranscribeOptions): WithWords {
  return (window, taken) => {
    const segments = options.wordTimestamps ? segmentsWithWords(model, taken, options) : taken.segments;
    return { ...window, segments: segments.map(clearIfBlank), aligned: taken };
  };
}
