/** What the main thread of a page does at a stretch, in time of the processor: a machine that is busy otherwise changes little of it. */
import * as assert from 'uvu/assert';
import type { Chromium, Page } from './chromium.ts';

/** A task during which a page does not answer; below this people notice nothing. */
const LONG_MS = 50;

/** As much of an event of Chromium's trace as is used. Times in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** Of `dur`, while the thread ran. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Fails if a task of the page took long while `work` was done. */
export async function assertNoLongTask(browser: Chromium, page: Page, work: () => Promise<void>): Promise<void> {
  await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] });
  let trace: Buffer;
  try {
    await work();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: readonly TraceEvent[] }; // Chromium's own form
  const threads = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  const isMain = ({ pid, tid }: TraceEvent): boolean => threads.some((one) => one.pid === pid && one.tid === tid);
  const tasks = traceEvents.filter((event) => event.name === 'RunTask' && event.tdur !== undefined && isMain(event));
  assert.ok(tasks.length > 20, `${tasks.length} tasks in the trace`);
  const long = tasks.filter(({ tdur = 0 }) => tdur >= 1000 * LONG_MS);
  const inside = (task: TraceEvent): string =>
    traceEvents
      .filter(({ pid, tid, ts, dur = 0 }) => pid === task.pid && tid === task.tid && ts > task.ts && dur > 3000)
      .filter(({ ts, dur = 0 }) => ts + dur <= task.ts + (task.dur ?? 0))
      .map(({ name, dur = 0 }) => `${name} ${dur / 1000}`)
      .join(', ');
  assert.equal(
    long.map((task) => `${(task.tdur ?? 0) / 1000} ms: ${inside(task)}`),
    [],
  );
}
