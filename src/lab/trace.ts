/**
 * What a device did and when, as a trace that Perfetto (https://ui.perfetto.dev) and `chrome://tracing` open.
 *
 * A span goes from the submit until what was read after it has arrived: on a GPU that is the time of the commands and of the
 * way to and fro, about 0.1 ms.
 */
import type { Device, SubmitOptions } from '../engine/device.ts';
import type { Command, Program } from '../engine/program.ts';
import { deviceWith } from './deviceWith.ts';

/** @see the Trace Event Format; times in microseconds */
export interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, string | number>>;
}

export interface Trace {
  readonly events: readonly TraceEvent[];
  /** A span of a track. @param begin milliseconds of `performance.now()`; until now */
  add(track: string, name: string, begin: number, args?: TraceEvent['args']): void;
  /** The file. */
  json(): string;
}

export function startTrace(): Trace {
  const events: TraceEvent[] = [];
  const tracks = new Map<string, number>();
  const trackOf = (name: string): number => {
    const known = tracks.get(name);
    if (known !== undefined) return known;
    const tid = tracks.size + 1;
    tracks.set(name, tid);
    events.push({ name: 'thread_name', ph: 'M', pid: 1, tid, args: { name } });
    return tid;
  };
  return {
    events,
    add(track, name, begin, args = {}) {
      const [ts, dur] = [1000 * begin, 1000 * (performance.now() - begin)];
      events.push({ name, ph: 'X', pid: 1, tid: trackOf(track), ts, dur, args });
    },
    json: () => JSON.stringify({ displayTimeUnit: 'ms', traceEvents: events }),
  };
}

/** The device, with what it prepares and runs noted. */
export function traceDevice<D extends Device>(device: D, trace: Trace): D {
  /** Since the last read. */
  let submitted: { readonly program: Program; readonly options: SubmitOptions | undefined }[] = [];
  let began = 0;
  const noted: Pick<Device, 'prepare' | 'submit' | 'read'> = {
    async prepare(programs, signal) {
      const begin = performance.now();
      const ready = await device.prepare(programs, signal);
      trace.add('compile', programs.map(({ name }) => name).join(', '), begin, { programs: programs.length });
      return ready;
    },
    submit(work, options) {
      if (submitted.length === 0) began = performance.now();
      submitted.push({ program: work.program, options });
      device.submit(work, options);
    },
    async read(...args) {
      const [ran, begin] = [submitted, began];
      submitted = [];
      const data = await device.read(...args);
      if (ran.length === 0) return data;
      const names = [...new Set(ran.map(({ program }) => program.name))].join(', ');
      trace.add('run', names, begin, ran.length === 1 ? factsOf(ran[0]!, begin) : { submits: ran.length });
      return data;
    },
  };
  return deviceWith(device, noted);
}

function factsOf(
  {
    program,
    options: { rows, times = 1 } = {},
  }: { readonly program: Program; readonly options: SubmitOptions | undefined },
  begin: number,
): TraceEvent['args'] {
  const seconds = (performance.now() - begin) / 1000;
  const costs = program.commands.map((command) => costOf(command, rows));
  const flops = times * costs.reduce((sum, cost) => sum + cost.flops, 0);
  const bytes = times * costs.reduce((sum, cost) => sum + cost.bytes, 0);
  const [only] = program.commands;
  return {
    times,
    ...(rows !== undefined && { rows }),
    ...(program.commands.length === 1 && only && { ...only.dims, ...only.params, variant: only.variant ?? 'chosen' }),
    'GFLOP/s': flops / seconds / 1e9,
    'GB/s': bytes / seconds / 1e9,
  };
}

function costOf({ kernel, dims, params }: Command, rows: number | undefined): { flops: number; bytes: number } {
  return kernel.cost({ ...dims, ...(dims.rows !== undefined && rows !== undefined && { rows }) }, params);
}
