/**
 * A recording of which only some parts are decoded, one joined to the next: how its frames are read, and when what is
 * found in it was said.
 */
import { FRAMES_PER_SECOND, N_FRAMES } from '../../audio/constants.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import { roundHundredths } from '../../base/python.ts';
import { framesToSeconds } from '../time.ts';
import type { Word } from '../transcript.ts';
import type { WindowSegment } from '../window/segments.ts';
import { type Clip, overlapOf } from './clips.ts';

/** A part of the recording and its place among the joined parts, in frames. */
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
   * @param parts  frames of the recording, in the order in which they are joined
   * @param margin seconds at a join in which nothing is said: a time there belongs to the other side
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

  /** The joined parts as a recording of their own. */
  splice(mel: LogMel): LogMel {
    const window = (seek: number, size: number): Float32Array => {
      const wanted = { start: seek, end: seek + size };
      let whole: Float32Array | undefined;
      for (const part of this.#parts) {
        const { start, end } = overlapOf(part, wanted);
        if (start >= end) continue;
        const read = mel.window(part.source + start - part.start, end - start);
        if (end - start === size) return read;
        whole ??= new Float32Array(read.length);
        for (let row = 0; row < read.length; row += N_FRAMES)
          whole.set(read.subarray(row, row + end - start), row + start - seek);
      }
      return whole ?? mel.window(mel.nFrames, 0);
    };
    const { nFrames } = this;
    return {
      nMels: mel.nMels,
      nFrames,
      window,
      detectionWindow: () => {
        const size = Math.min(N_FRAMES, nFrames);
        const first = window(0, size);
        // Behind a recording come 30 s of silence; its first frames may still see the last sound.
        const silence = mel.window(mel.nFrames + 10, N_FRAMES - 10)[0] ?? 0;
        for (let row = 0; row < first.length; row += N_FRAMES) first.fill(silence, row + size, row + N_FRAMES);
        return first;
      },
    };
  }

  /** The values of the joined parts' frames. */
  gather(values: Float32Array): Float32Array {
    const joined = new Float32Array(this.nFrames);
    for (const { source, start, end } of this.#parts) joined.set(values.subarray(source, source + end - start), start);
    return joined;
  }

  /** The frame of the recording that a joined frame is; the end of the last part for those behind it. */
  sourceFrame(frame: number): number {
    const part = this.#parts.findLast(({ start }) => start <= frame);
    return part === undefined ? 0 : part.source + Math.min(frame, part.end) - part.start;
  }

  /** A segment of the joined parts with the times of the recording. Its timestamp tokens stay those of its window. */
  sourceSegment(segment: WindowSegment): WindowSegment {
    if (this.#parts.length === 0) return segment;
    let [start, end] = this.#sourceTimes(segment);
    const words = segment.words?.map((word): Word => {
      // A word is in one part: the one its middle is in.
      const part = this.#partAt(((word.start + word.end) / 2) * FRAMES_PER_SECOND);
      return { ...word, start: sourceTime(word.start, part), end: sourceTime(word.end, part) };
    });
    if (!words) return { ...segment, seek: this.sourceFrame(segment.seek), start, end };
    // Borders that follow words go on doing so.
    if (segment.words?.[0]?.start === segment.start) start = words[0]?.start ?? start;
    if (segment.words?.at(-1)?.end === segment.end) end = words.at(-1)?.end ?? end;
    return { ...segment, seek: this.sourceFrame(segment.seek), start, end, words };
  }

  #sourceTimes({ start, end }: WindowSegment): [start: number, end: number] {
    const first = this.#partAt(start * FRAMES_PER_SECOND + this.#margin);
    const before = end * FRAMES_PER_SECOND - this.#margin;
    const last = this.#parts.findLast((part) => part.start < before) ?? this.#parts[0]!;
    if (first.start <= last.start) return [sourceTime(start, first), sourceTime(end, last)];
    // All of it lies in the margin of a join.
    const middle = this.#partAt(((start + end) / 2) * FRAMES_PER_SECOND);
    return [sourceTime(start, middle), sourceTime(end, middle)];
  }

  #partAt(frame: number): Part {
    return this.#parts.find(({ end }) => frame < end) ?? this.#parts.at(-1)!;
  }
}

/** A time of the joined parts, moved into one of them if it is outside, as a time of the recording. */
function sourceTime(time: number, { source, start, end }: Part): number {
  const within = Math.min(Math.max(time, framesToSeconds(start)), framesToSeconds(end));
  return roundHundredths(within + framesToSeconds(source - start));
}
