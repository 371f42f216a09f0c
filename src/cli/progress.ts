/**
 * Reports progress on stderr: on a terminal one line that is redrawn; in a pipe a plain line when a stage begins, one now and
 * then in a long one, and one at its end.
 */
import type { Progress } from '../base/progress.ts';
import { printable } from './printable.ts';
import { shortenedTo, textWidth } from './textWidth.ts';

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
/** Stages whose items are files or tensors of the model, which say nothing to who waits. */
const OF_THE_MODEL: ReadonlySet<Progress['stage']> = new Set(['fetch', 'convert', 'load', 'compile']);
/** Stages whose end is reported in a pipe. */
const LONG: ReadonlySet<Progress['stage']> = new Set(['fetch', 'convert', 'transcribe']);
const BAR_WIDTH = 24;
/** A name is shortened to this many columns before it is left out. */
const LEAST_NAME = 8;
/** A terminal is not redrawn more often. */
const REDRAW_MS = 60;
/** Speed and time left are not told before: they would jump. */
const SETTLED_MS = 3000;
/** In a pipe there is a line no more often than this, nor for less of the whole. */
const LINE_MS = 60_000;
const LINE_SHARE = 0.05;

/** What is shown of progress. */
export interface ShownProgress extends Progress {
  /** Stands behind the amounts, and may change from one time to the next: `3 of 20, 1 failed`. */
  readonly detail?: string;
}

/** One stage of one item, from its first event on. */
interface Run {
  readonly title: string;
  readonly name: string;
  readonly startedMs: number;
  readonly startedAt: number;
  /** The largest amount so far: an estimate may have been too large. */
  amount: number;
  /** Of the last plain line. */
  lineMs: number;
  lineShare: number;
  isTitled: boolean;
  isOver: boolean;
}

export class ProgressDisplay {
  readonly #stream: ProgressStream;
  readonly #isQuiet: boolean;
  readonly #now: () => number;
  #drawn = false;
  #lastDraw = -Infinity;
  /** By key. Recordings of a batch take turns. */
  readonly #runs = new Map<string, Run>();
  #lastRun: Run | undefined;

  /** @param options with `isQuiet` nothing is told but notes */
  constructor(
    stream: ProgressStream,
    { isQuiet = false, now = () => performance.now() }: { isQuiet?: boolean; now?: () => number } = {},
  ) {
    this.#stream = stream;
    this.#isQuiet = isQuiet;
    this.#now = now;
  }

  /** For `onProgress`. */
  readonly show = (progress: ShownProgress): void => {
    if (this.#isQuiet) return;
    const now = this.#now();
    const run = this.#runOf(progress, now);
    const changed = run !== this.#lastRun;
    this.#lastRun = run;
    run.amount = Math.max(run.amount, Math.min(progress.reached ?? progress.done, progress.total));
    const ended = progress.done >= progress.total;
    if (!this.#stream.isTTY) {
      this.#showLines(run, progress, now, ended);
      return;
    }
    if (!changed && !ended && now - this.#lastDraw < REDRAW_MS) return;
    this.#lastDraw = now;
    this.#draw(run, progress, now);
  };

  /** On a terminal: what is waited for, until there is progress to tell of. */
  wait(text: string): void {
    if (this.#isQuiet || !this.#stream.isTTY) return;
    this.clear();
    this.#stream.write(shortenedTo(printable(text), (this.#stream.columns || 80) - 1));
    this.#drawn = true;
  }

  /** Removes the line, so that other text can be printed; the next `show` redraws it. */
  clear(): void {
    if (this.#drawn) this.#stream.write('\r\x1b[K');
    this.#drawn = false;
    this.#lastDraw = -Infinity;
  }

  /** Prints a line on the same stream. */
  line(text: string): void {
    if (!this.#isQuiet) this.#print(text);
  }

  /** Prints a warning: also for who asked for quiet. */
  note(sentence: string): void {
    this.#print(`sotto: ${sentence}`);
  }

  #print(text: string): void {
    this.clear();
    this.#stream.write(`${printable(text)}\n`);
  }

  #runOf({ stage, item, done, unit }: Progress, now: number): Run {
    const name = OF_THE_MODEL.has(stage) || item === undefined ? '' : printable(item);
    const title = OF_THE_MODEL.has(stage) ? `${STAGES[stage]} the model` : STAGES[stage];
    const key = `${title} ${unit} ${name}`;
    let run = this.#runs.get(key);
    if (!run) {
      run = {
        title,
        name,
        startedMs: now,
        startedAt: done,
        amount: done,
        lineMs: now,
        lineShare: 0,
        isTitled: false,
        isOver: false,
      };
      this.#runs.set(key, run);
    }
    return run;
  }

  #showLines(run: Run, progress: ShownProgress, now: number, isEnd: boolean): void {
    const title = run.name ? `${run.title} ${run.name}` : run.title;
    if (!run.isTitled) this.#stream.write(`${title}\n`);
    run.isTitled = true;
    // The end may be reported more than once.
    if (!LONG.has(progress.stage) || run.isOver) return;
    if (isEnd) {
      run.isOver = true;
      const took = (now - run.startedMs) / 1000;
      const speed = took >= 1 ? ` in ${duration(took)}${rateText(run, progress, now, 0)}` : '';
      this.#stream.write(`${title}: done, ${amountText(progress.total, progress.unit)}${speed}\n`);
      return;
    }
    const share = shareOf(run, progress);
    if (now - run.lineMs < LINE_MS || share - run.lineShare < LINE_SHARE) return;
    run.lineMs = now;
    run.lineShare = share;
    const percent = `${Math.floor(100 * share)} %`;
    this.#stream.write(
      `${title}: ${percent}, ${ofText(run, progress)}${leftText(run, progress, now)}${detailText(progress)}\n`,
    );
  }

  #draw(run: Run, progress: ShownProgress, now: number): void {
    // The last column stays free: some terminals go to the next line when it is filled.
    const line = lineOf(run, progress, now, (this.#stream.columns || 80) - 1);
    this.#stream.write(`\r\x1b[K${line}`);
    this.#drawn = true;
  }
}

/** As much as fits, in whole parts: half a number would be another one. */
function lineOf(run: Run, progress: ShownProgress, now: number, columns: number): string {
  const share = shareOf(run, progress);
  const full = Math.round(share * BAR_WIDTH);
  const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} `;
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`;
  const of = progress.unit === 'tensors' || progress.unit === 'kernels' ? '' : `  ${ofText(run, progress)}`;
  const left = leftText(run, progress, now) + detailText(progress);
  const withRate = `${of}${rateText(run, progress, now, SETTLED_MS)}${left}`;
  const title = `  ${run.title}`;
  const name = run.name && ` ${run.name}`;
  for (const [front, back] of [
    [`${bar}${percent}${title}`, withRate],
    [`${bar}${percent}${title}`, of + left],
    [`${percent}${title}`, of + left],
  ] as const) {
    const room = columns - textWidth(front + back);
    if (room >= textWidth(name)) return front + name + back;
  }
  for (const back of [of + left, left.replace(/^, /, '  '), '']) {
    const room = columns - textWidth(percent + title + back);
    if (room > LEAST_NAME && name) return `${percent}${title} ${shortenedTo(run.name, room - 1)}${back}`;
    if (room >= 0) return percent + title + back;
  }
  return columns >= textWidth(percent) ? percent : '';
}

/** All only when it is done: an estimate may be there before. */
function shareOf({ amount }: Run, { done, total }: Progress): number {
  return done >= total ? 1 : Math.min(0.99, amount / total);
}

function ofText({ amount }: Run, { total, unit }: Progress): string {
  return `${amountText(amount, unit, total)} of ${amountText(total, unit)}`;
}

function detailText({ detail }: ShownProgress): string {
  return detail === undefined ? '' : `  ${detail}`;
}

/** e.g. `, 4.2x` (seconds of sound in a second) or `, 5.1 MB/s` */
function rateText(run: Run, { unit, stage }: Progress, now: number, settledMs: number): string {
  const ms = now - run.startedMs;
  const rate = (1000 * (run.amount - run.startedAt)) / ms;
  if (ms < settledMs || !(rate > 0)) return '';
  if (unit === 'bytes') return `, ${amountText(rate, unit)}/s`;
  return stage === 'transcribe' ? `, ${rate.toFixed(rate < 10 ? 1 : 0)}x` : '';
}

/** e.g. `, 2 min left` */
function leftText(run: Run, { total }: Progress, now: number): string {
  const ms = now - run.startedMs;
  const advanced = run.amount - run.startedAt;
  if (ms < SETTLED_MS || advanced <= 0 || run.amount >= total) return '';
  return `, ${duration((ms / 1000 / advanced) * (total - run.amount))} left`;
}

/** Of time that passes, in two units at most. */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 100) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** In a unit that fits `scale` (the amount itself when absent), so that done and total have the same. */
function amountText(value: number, unit: Progress['unit'], scale: number = value): string {
  switch (unit) {
    case 'bytes':
      return scale >= 1e6 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e3).toFixed(0)} kB`;
    case 'seconds':
      return scale < 60 ? `${value.toFixed(1)} s` : clock(value);
    default:
      return `${value} ${unit}`;
  }
}

/** Of sound: `12:03`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${padded(m)}:${padded(s)}` : `${m}:${padded(s)}`;
}
