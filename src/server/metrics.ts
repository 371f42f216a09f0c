/**
 * What Prometheus is told at `/metrics`.
 *
 * @see https://prometheus.io/docs/practices/naming
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Models } from './models.ts';
import type { Queue } from './queue.ts';

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** A request was answered. */
  answered(method: string, path: string, status: number): void;
  /** A request waited so long for its turn. */
  waited(seconds: number): void;
  /** So much sound was transcribed in so long. */
  transcribed(soundSeconds: number, seconds: number): void;
  /** A client went away before its answer. */
  abandoned(): void;
  /** A session of `/v1/realtime` began (1) or ended (-1). */
  session(change: 1 | -1): void;
}

/** From a tenth of a second to ten minutes. */
const BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150, 300, 600];
/** The number of series must not grow with what clients ask for. */
const PATHS = /^\/v1\/(?:audio\/(?:transcriptions|translations)|models|jobs|realtime)\b/;

export function createMetrics({ queue, models }: { readonly queue: Queue; readonly models: Models }): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const requests = new Counter({
    ...{ registers, name: 'sotto_requests_total', help: 'Requests that were answered.' },
    labelNames: ['method', 'path', 'status'] as const,
  });
  const wait = new Histogram({
    ...{ registers, buckets: BUCKETS, name: 'sotto_queue_wait_seconds', help: 'Wait for a turn at the model.' },
  });
  const time = new Histogram({
    ...{ registers, buckets: BUCKETS, name: 'sotto_transcription_seconds', help: 'Time at the model.' },
  });
  const sound = new Counter({
    ...{ registers, name: 'sotto_sound_seconds_total', help: 'Sound that was transcribed.' },
  });
  const abandoned = new Counter({
    ...{ registers, name: 'sotto_abandoned_total', help: 'Requests whose client went away before the answer.' },
  });
  const sessions = new Gauge({
    ...{ registers, name: 'sotto_realtime_sessions', help: 'Sessions of /v1/realtime.' },
  });
  new Gauge({
    ...{ registers, name: 'sotto_queue_requests', help: 'Requests that are here, by what they do.' },
    labelNames: ['state'] as const,
    collect() {
      for (const [state, count] of Object.entries(queue.counts)) this.set({ state }, count);
    },
  });
  const gauge = (name: string, help: string, value: () => number): Gauge =>
    new Gauge({
      ...{ registers, name, help },
      collect() {
        this.set(value());
      },
    });
  gauge('sotto_queue_bytes', 'Bytes of the uploads that are here.', () => queue.bytes);
  gauge('sotto_queue_sound_seconds', 'Sound that is here and not done.', () => queue.seconds);
  gauge('sotto_speed', 'Seconds of sound in a second, of one request; 0 before the first.', () => queue.speed ?? 0);
  gauge('sotto_models_loaded', 'Models in memory.', () => models.loaded);
  return {
    contentType: register.contentType,
    text: () => register.metrics(),
    answered: (method, path, status) => {
      requests.inc({ method, path: PATHS.exec(path)?.[0] ?? 'other', status });
    },
    waited: (seconds) => wait.observe(seconds),
    transcribed(soundSeconds, seconds) {
      sound.inc(soundSeconds);
      time.observe(seconds);
    },
    abandoned: () => abandoned.inc(),
    session: (change) => sessions.inc(change),
  };
}
