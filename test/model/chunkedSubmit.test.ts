/** Bursts of work for a device whose clock is played: what it computes and when it says so are numbers of the test. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ChunkedSubmit } from '../../src/model/chunkedSubmit.ts';

interface PlayedOptions {
  /** Of one unit of work. */
  readonly unitMs: number;
  /** From its end until the host is told. */
  readonly latencyMs: number;
  /** The host is told at multiples of this alone, as where a browser looks now and then. */
  readonly tickMs?: number;
}

class PlayedDevice {
  now = 0;
  busyMs = 0;
  readonly bursts: number[] = [];
  inFlight = 0;
  mostInFlight = 0;
  unitMs: number;
  #freeAt = 0;
  readonly #options: PlayedOptions;
  readonly #told: { readonly at: number; readonly tell: () => void }[] = [];

  constructor(options: PlayedOptions) {
    this.#options = options;
    this.unitMs = options.unitMs;
  }

  readonly clock = (): number => this.now;

  submit(units: number): void {
    const work = units * this.unitMs;
    this.#freeAt = Math.max(this.now, this.#freeAt) + work;
    this.busyMs += work;
    this.bursts.push(units);
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
  }

  wait(): Promise<void> {
    const { latencyMs, tickMs } = this.#options;
    const at = this.#freeAt + latencyMs;
    return new Promise((resolve) => {
      const tell = (): void => {
        this.inFlight--;
        resolve();
      };
      this.#told.push({ at: tickMs === undefined ? at : Math.ceil(at / tickMs) * tickMs, tell });
    });
  }

  /** Lets time go on until the work is over. */
  async play(work: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    for (;;) {
      await new Promise(setImmediate);
      if (isOver) break;
      const next = this.#told.shift(); // in the order of the queue
      if (!next) throw new Error('nobody waits for anything');
      this.now = Math.max(this.now, next.at);
      next.tell();
    }
    await over;
  }
}

/** So many units, none of them the last. */
function repeat(chunks: ChunkedSubmit, device: PlayedDevice, count: number): Promise<void> {
  const work = chunks.repeat(
    count,
    (times) => device.submit(times),
    () => device.wait().then(() => false),
  );
  return device.play(work);
}

const test = suite('model/chunkedSubmit');

for (const played of [
  { unitMs: 0.7, latencyMs: 0.1 },
  { unitMs: 0.7, latencyMs: 11 },
  { unitMs: 0.7, latencyMs: 100 },
  { unitMs: 0.2, latencyMs: 11 },
  { unitMs: 5, latencyMs: 100 },
  { unitMs: 60, latencyMs: 11 },
  { unitMs: 60, latencyMs: 100 },
  { unitMs: 0.7, latencyMs: 1, tickMs: 100 },
]) {
  const { unitMs, latencyMs, tickMs } = played;
  const ticks = tickMs === undefined ? '' : `, told every ${tickMs} ms`;
  test(`units of ${unitMs} ms, ${latencyMs} ms to be told${ticks}: nine tenths of the device's rate`, async () => {
    const device = new PlayedDevice(played);
    const chunks = new ChunkedSubmit(device.clock);
    // A text or two, in which it learns.
    await repeat(chunks, device, 200);
    await repeat(chunks, device, 200);
    const before = { now: device.now, busy: device.busyMs };
    const count = 4000;
    await repeat(chunks, device, count);
    assert.is(
      device.bursts.reduce((sum, units) => sum + units),
      400 + count,
    );
    const share = (device.busyMs - before.busy) / (device.now - before.now);
    assert.ok(share >= 0.9, `${(100 * share).toFixed(1)} % (bursts ${device.bursts.slice(-3)})`);
    assert.ok(device.mostInFlight <= 2);
    const longest = Math.max(...device.bursts) * unitMs;
    assert.ok(longest <= Math.max(4 * 40, 4 * latencyMs, 4 * (tickMs ?? 0)), `a burst of ${longest} ms`);
  });
}

test('where being told costs nothing, one burst is in flight, of 16 units at most', async () => {
  const device = new PlayedDevice({ unitMs: 0.5, latencyMs: 0.02 });
  const chunks = new ChunkedSubmit(device.clock);
  await repeat(chunks, device, 1000);
  assert.is(device.mostInFlight, 1);
  assert.is(Math.max(...device.bursts), 16);
});

test('slow work is handed over a unit at a time, and a device that becomes slow is followed', async () => {
  const slow = new PlayedDevice({ unitMs: 400, latencyMs: 0.1 });
  const ofSlow = new ChunkedSubmit(slow.clock);
  const parts: number[] = [];
  await slow.play(
    ofSlow.run(
      5,
      (part) => {
        parts.push(part);
        slow.submit(1);
      },
      () => slow.wait(),
    ),
  );
  assert.equal(parts, [0, 1, 2, 3, 4]);
  const device = new PlayedDevice({ unitMs: 1, latencyMs: 0.1 });
  const chunks = new ChunkedSubmit(device.clock);
  await repeat(chunks, device, 200);
  device.unitMs = 30;
  await repeat(chunks, device, 40);
  const units = device.bursts.at(-2) ?? 0;
  assert.ok(units * 30 <= 60, `${units} units of 30 ms`);
});

test('the end of a text is seen at the burst that has it; an error of the one after it is nobody else’s', async () => {
  const device = new PlayedDevice({ unitMs: 0.7, latencyMs: 100 });
  const chunks = new ChunkedSubmit(device.clock);
  let asked = 0;
  await device.play(
    chunks.repeat(
      1000,
      (times) => device.submit(times),
      async () => {
        const mine = ++asked;
        await device.wait();
        if (mine > 5) throw new Error('it came after the end');
        return mine === 5;
      },
    ),
  );
  assert.ok(asked === 5 || asked === 6, `${asked}`);
});

test('an abort is answered at the next wait; the share that is done only grows', async () => {
  const device = new PlayedDevice({ unitMs: 1, latencyMs: 11 });
  const chunks = new ChunkedSubmit(device.clock);
  const controller = new AbortController();
  const shares: number[] = [];
  let error: unknown;
  await device
    .play(
      chunks.run(
        1000,
        () => device.submit(1),
        () => device.wait(),
        controller.signal,
        (share) => {
          shares.push(share);
          if (share > 0.3) controller.abort(new Error('stop'));
        },
      ),
    )
    .catch((reason: unknown) => {
      error = reason;
    });
  assert.match(String(error), /stop/);
  assert.ok(shares.every((share, i) => i === 0 || share > shares[i - 1]!));
  assert.ok(shares.at(-1)! < 0.6, `${shares.at(-1)}`);
});

test.run();
