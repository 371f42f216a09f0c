/**
 * A recording of which only some parts are decoded, spliced: how its frames are read, and how times of the splice become
 * times of the recording.
 */
import { FRAMES_PER_SECOND, N_FRAMES } from '../../audio/constants.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import { roundHundredths } from '../../base/python.ts';
import { framesToSeconds } from '../time.ts';
import type { Word } from '../transcript.ts';
import type { WindowSegment } from '../window/segments.ts';
import type { Clip } from './clips.ts';

/** Frames after the end of a recording that may still see its last sound, and more. */
export const SILENCE_OFFSET = 10;

/** A part of the recording and its place in the splice, in frames. */
interface Part {
  readonly source: number;
  readonly start: number;
  readonly end: number;
}

export class Timeline {
  /** Frames of all parts. */
  readonly nFrames: number;
  readonly #parts: readonly Part[];
  readonly #margin: number;

  /**
   * @param parts  frames of the recording, in the order in which they are spliced
   * @param margin seconds of silence on both sides of a splice: a time within them belongs to the other side
   */
  constructor(parts: readonly Clip[], margin = 0) {
    let end = 0;
    this.#parts = parts.map(({ start, end: sourceEnd }) => {
      const length = sourceEnd - start;
      end += length;
      return { source: start, start: end - length, end };
    });
    this.nFrames = end;
    this.#margin = margin * FRAMES_PER_SECOND;
  }

  /** The spliced parts as a recording of their own. */
  splice(mel: LogMel): LogMel {
    const window = async (seek: number, size: number): Promise<Float32Array> => {
      const wanted = { start: seek, end: seek + size };
      let whole: Float32Array | undefined;
      for (const part of this.#parts) {
        const { start, end } = overlapOf(part, wanted);
        if (start >= end) continue;
        const read = await mel.window(part.source + start - part.start, end - start);
        if (end - start === size) return read;
        whole ??= new Float32Array(read.length);
        for (let row = 0; row < read.length; row += N_FRAMES)
          whole.set(read.subarray(row, row + end - start), row + start - seek);
      }
      return whole ?? mel.window(mel.nFrames, 0);
    };
    const { nMels } = mel;
    const { nFrames } = this;
    return {
      nMels,
      nFrames,
      window,
      detectionWindow: async () => {
        const size = Math.min(N_FRAMES, nFrames);
        const first = await window(0, size);
        const [silence = 0] = await mel.window(mel.nFrames + SILENCE_OFFSET, N_FRAMES - SILENCE_OFFSET);
        for (let row = 0; row < first.length; row += N_FRAMES) first.fill(silence, row + size, row + N_FRAMES);
        return first;
      },
      close: () => mel.close(),
    };
  }

  /** Of one value a frame, those of the spliced parts. */
  gather(values: Float32Array): Float32Array {
    const spliced = new Float32Array(this.nFrames);
    for (const { source, start, end } of this.#parts) spliced.set(values.subarray(source, source + end - start), start);
    return spliced;
  }

  /** The frame of the recording that a frame of the splice is; the end of the last part for frames after it. */
  sourceFrame(frame: number): number {
    const part = this.#parts.findLast(({ start }) => start <= frame);
    return part === undefined ? 0 : part.source + Math.min(frame, part.end) - part.start;
  }

  /** Which of the spliced parts a time of the splice is in: their number. @param time seconds */
  partAt(time: number): number {
    const part = this.#partAt(time * FRAMES_PER_SECOND);
    return part ? this.#parts.indexOf(part) : -1;
  }

  /** A segment of the splice with the times of the recording. Its timestamp tokens stay those of its window. */
  sourceSegment(segment: WindowSegment): WindowSegment {
    const [firstPart] = this.#parts;
    if (!firstPart) return segment;
    let [start, end] = this.#sourceTimes(segment, firstPart);
    const words = segment.words?.map((word): Word => {
      // A word is in one part: the one that contains its middle.
      const part = this.#partAt(((word.start + word.end) / 2) * FRAMES_PER_SECOND) ?? firstPart;
      return { ...word, start: sourceTime(word.start, part), end: sourceTime(word.end, part) };
    });
    const seek = this.sourceFrame(segment.seek);
    if (!words) return { ...segment, seek, start, end };
    // A start or end that follows the words goes on doing so.
    if (segment.words?.[0]?.start === segment.start) start = words[0]?.start ?? start;
    if (segment.words?.at(-1)?.end === segment.end) end = words.at(-1)?.end ?? end;
    return { ...segment, seek, start, end, words };
  }

  #sourceTimes({ start, end }: WindowSegment, firstPart: Part): [start: number, end: number] {
    const first = this.#partAt(start * FRAMES_PER_SECOND + this.#margin) ?? firstPart;
    const before = end * FRAMES_PER_SECOND - this.#margin;
    const last = this.#parts.findLast((part) => part.start < before) ?? firstPart;
    if (first.start <= last.start) return [sourceTime(start, first), sourceTime(end, last)];
    // All of it lies within the margin of a splice.
    const middle = this.#partAt(((start + end) / 2) * FRAMES_PER_SECOND) ?? firstPart;
    return [sourceTime(start, middle), sourceTime(end, middle)];
  }

  /** The last part for frames after it; undefined if there is none. */
  #partAt(frame: number): Part | undefined {
    return this.#parts.find(({ end }) => frame < end) ?? this.#parts.at(-1);
  }
}

/** A time of the splice as a time of the recording, moved into the given part if it is outside. */
function sourceTime(time: number, { source, start, end }: Part): number {
  const within = Math.min(Math.max(time, framesToSeconds(start)), framesToSeconds(end));
  return roundHundredths(within + framesToSeconds(source - start));
}

/** The frames that are in both; none if its end is not after its start. */
export function overlapOf(a: Clip, b: Clip): Clip {
  return { start: Math.max(a.start, b.start), end: Math.min(a.end, b.end) };
}
