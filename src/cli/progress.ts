/**
 * Reports progress on stderr: on a terminal one line that is redrawn; in a pipe a plain line when a stage begins, and one
 * at the end of long stages.
 */
import type { Progress } from '../base/progress.ts';

export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const STAGES: Readonly<Record<Progress['stage'], string>> = {
  fetch: 'fetching',
  convert: 'converting',
  load: 'loading',
  compile: 'compiling',
  audio: 'reading',
  transcribe: 'transcribing',
};
/** Stages of many small items. */
const MANY: ReadonlySet<Progress['stage']> = new Set(['convert', 'load', 'compile']);
/** Stages whose end is reported in a pipe. */
const LONG: ReadonlySet<Progress['stage']> = new Set(['fetch', 'convert', 'transcribe']);
const BAR_WIDTH = 24;
/** A terminal is not redrawn more often. */
const REDRAW_MS = 60;

export class ProgressDisplay {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #drawn = false;
  #lastDraw = -Infinity;
  #lastStage = '';
  #lastLine = '';

  constructor(stream: ProgressStream, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  /** For `onProgress`. */
  readonly show = (progress: Progress): void => {
    const item = progress.item === undefined ? '' : ` ${progress.item}`;
    // In a pipe, hundreds of tensors do not get a line each.
    const isMany = !this.#stream.isTTY && MANY.has(progress.stage);
    const stage = `${STAGES[progress.stage]}${isMany ? ' the model' : item}`;
    const ended = progress.done >= progress.total;
    const changed = stage !== this.#lastStage;
    this.#lastStage = stage;
    if (!this.#stream.isTTY) {
      if (changed) this.#plain(stage);
      if (ended && LONG.has(progress.stage)) this.#plain(`${stage}: done, ${amount(progress.total, progress.unit)}`);
      return;
    }
    const now = this.#now();
    if (!changed && !ended && now - this.#lastDraw < REDRAW_MS) return;
    this.#lastDraw = now;
    this.#draw(stage, progress);
  };

  /** Removes the line, so that other text can be printed; the next `show` redraws it. */
  clear(): void {
    if (this.#drawn) this.#stream.write('\r\x1b[K');
    this.#drawn = false;
    this.#lastDraw = -Infinity;
  }

  /** Prints a line on the same stream. */
  line(text: string): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  #plain(line: string): void {
    // The end may be reported more than once.
    if (line === this.#lastLine) return;
    this.#lastLine = line;
    this.#stream.write(`${line}\n`);
  }

  #draw(stage: string, progress: Progress): void {
    const part = progress.total > 0 ? Math.min(1, progress.done / progress.total) : 1;
    const full = Math.round(part * BAR_WIDTH);
    const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
    const of = `${amount(progress.done, progress.unit, progress.total)} of ${amount(progress.total, progress.unit)}`;
    const text = `${bar} ${String(Math.floor(part * 100)).padStart(3)} %  ${stage}  ${of}`;
    this.#stream.write(`\r\x1b[K${[...text].slice(0, Math.max(10, (this.#stream.columns || 80) - 1)).join('')}`);
    this.#drawn = true;
  }
}

/** In a unit that fits `scale` (the amount itself when absent), so that done and total have the same. */
function amount(value: number, unit: Progress['unit'], scale: number = value): string {
  switch (unit) {
    case 'bytes':
      return scale >= 1e6 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e3).toFixed(0)} kB`;
    case 'seconds':
      return `${value.toFixed(1)} s`;
    default:
      return `${value} ${unit}`;
  }
}
