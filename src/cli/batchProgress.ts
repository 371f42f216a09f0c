/** How far a batch has come, in seconds of sound, and what has become of it. */
import type { BatchTask } from '../batch/executor.ts';
import type { Lengths, LongestFirst } from '../batch/lengths.ts';
import type { BatchPlan } from '../batch/plan.ts';
import type { ItemResult } from '../batch/processItem.ts';
import type { BatchEvents } from '../batch/run.ts';
import type { CommandIo } from './io.ts';
import { printable } from './printable.ts';
import { clock, duration, type ProgressDisplay } from './progress.ts';

export interface FailedItem {
  readonly id: string;
  readonly code: string;
  readonly error: string;
  readonly hint?: string | undefined;
}

/** Of failures, in a summary for people. */
const MOST_LISTED = 50;

export interface BatchSummary {
  readonly done: number;
  readonly failed: number;
  /** Done by earlier runs. */
  readonly before: number;
  /** Not begun, or not ended, when the run was stopped. */
  readonly left: number;
  readonly otherShards: number;
  /** Of sound, by this run. */
  readonly seconds: number;
  readonly elapsedSeconds: number;
  readonly failures: readonly FailedItem[];
}

export class BatchProgress {
  readonly failures: FailedItem[] = [];
  done = 0;
  /** Of sound that was transcribed. */
  seconds = 0;
  readonly #display: ProgressDisplay;
  readonly #lengths: Lengths;
  readonly #order: LongestFirst;
  readonly #count: number;
  #began: number | undefined;
  /** Seconds done, and the length, of those that run. */
  readonly #running = new Map<BatchTask, { done: number; length: number }>();
  /** Seconds of those that are yet to be begun. */
  #waiting: number;

  constructor(display: ProgressDisplay, lengths: Lengths, order: LongestFirst, count: number) {
    this.#display = display;
    this.#lengths = lengths;
    this.#order = order;
    this.#count = count;
    this.#waiting = order.seconds;
  }

  /** Milliseconds since something was first heard of a recording: workers have loaded the model by then. */
  get elapsed(): number {
    return this.#began === undefined ? 0 : performance.now() - this.#began;
  }

  eventsOf(task: BatchTask): BatchEvents {
    return {
      onBegin: () => {
        this.#waiting = this.#order.seconds;
        this.#running.set(task, { done: 0, length: this.#lengths.estimate(task.item) });
      },
      onProgress: ({ stage, done, reached = done, total }) => {
        this.#began ??= performance.now();
        const running = this.#running.get(task);
        if (!running || stage !== 'transcribe') return;
        Object.assign(running, { done: reached, length: total });
        this.#show();
      },
      onWarning: ({ message }) => this.#display.note(message),
      onEnd: (_, result) => this.#end(task, result),
    };
  }

  summary(plan: BatchPlan, otherShards: number): BatchSummary {
    const before = plan.failed.map(({ id, code = '', error = '', hint }) => ({ id, code, error, hint }));
    return {
      done: this.done,
      failed: plan.failed.length + this.failures.length,
      before: plan.done.length,
      left: this.#count - this.done - this.failures.length,
      otherShards,
      seconds: this.seconds,
      elapsedSeconds: this.elapsed / 1000,
      failures: [...before, ...this.failures],
    };
  }

  #end(task: BatchTask, result: ItemResult): void {
    this.#running.delete(task);
    if (result.status === 'done') {
      this.done++;
      this.seconds += result.seconds;
      this.#lengths.measured(task.item, result.seconds);
      this.#waiting = this.#order.seconds;
    } else {
      const { code, error, hint } = result;
      this.failures.push({ id: task.item.id, code, error, hint });
    }
    this.#show();
  }

  #show(): void {
    let [done, total] = [this.seconds, this.seconds + this.#waiting];
    for (const running of this.#running.values()) {
      done += running.done;
      total += running.length;
    }
    const ended = this.done + this.failures.length;
    const failed = this.failures.length > 0 ? `, ${this.failures.length} failed` : '';
    const detail = `${ended} of ${this.#count}${failed}`;
    // Only when all recordings have ended is all of their sound.
    const isOver = ended === this.#count;
    this.#display.show({
      stage: 'transcribe',
      unit: 'seconds',
      done: isOver ? total : Math.min(done, total * 0.999),
      total: Math.max(total, 0.01),
      detail,
    });
  }
}

/** For people, or as one line of JSON on stdout. */
export function tellSummary(summary: BatchSummary, journal: string | undefined, io: CommandIo, isJson: boolean): void {
  if (isJson) {
    io.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const { done, failed, before, left, otherShards, seconds, elapsedSeconds, failures } = summary;
  for (const { id, error, hint } of failures.slice(0, MOST_LISTED)) {
    const where = error.includes(id) ? '' : `${printable(id)}: `;
    io.stderr.write(`failed: ${where}${printable(error)}\n`);
    if (hint !== undefined) io.stderr.write(`  ${printable(hint)}\n`);
  }
  const more = failures.length - MOST_LISTED;
  if (more > 0) io.stderr.write(`... and ${more} more${journal === undefined ? '' : `: ${journal}`}\n`);
  const rate = elapsedSeconds > 0 ? ` (${(seconds / elapsedSeconds).toFixed(1)}x)` : '';
  const parts = [
    `${done} done`,
    ...(seconds > 0 ? [`${clock(seconds)} of sound in ${duration(elapsedSeconds)}${rate}`] : []),
    ...(before > 0 ? [`${before} done before`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(left > 0 ? [`${left} left`] : []),
    ...(otherShards > 0 ? [`${otherShards} of other shards`] : []),
  ];
  io.stderr.write(`${parts.join(', ')}\n`);
}
