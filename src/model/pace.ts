/**
 * How much work to hand to a device between two waits for it.
 *
 * A wait takes L + c n milliseconds for n units of work: L is what being told costs (0.1 ms in Node, 11 ms in Deno, 100 ms in
 * Firefox), c what a unit costs. Two waits of different lengths tell them apart; charged to the units alone, a latency of 100 ms
 * would look like slow work, and a token would be handed over at a time.
 */

/** Work between waits: a page stays alive, an abort is answered within about this time, and no driver's watchdog wakes. */
const TARGET_MS = 40;
/** Units at most where waiting costs little: those after a text's end are for nothing. */
const FEW_UNITS = 16;
/** Units at most anywhere. */
const MANY_UNITS = 512;
/** A first wait above this is work: no device takes so long to say that it is done. */
const PROBE_MS = 250;
/** Work that is in flight while the host waits, over the latency that it is to hide. */
const MARGIN = 1.25;
/** A latency below this share of the work is not worth a second burst in flight. */
const NEGLIGIBLE = 0.05;
/** No wait is longer than the longest one before it by more than this factor. */
const GROWTH = 4;

/** A wait that takes so many times what was expected is no scatter. */
const SLOWER = 3;

interface Wait {
  readonly units: number;
  readonly ms: number;
}

export class Pace {
  /** Of an idle device: the least and the most work so far. */
  #short: Wait | undefined;
  #long: Wait | undefined;
  /** Fitted to the two. */
  #latencyMs = 0;
  #unitMs = 0;

  /** Units to hand over before the next wait. */
  get units(): number {
    const [short, long] = [this.#short, this.#long];
    if (!short || !long) return 1;
    if (short.units === long.units) return toTellApart(short);
    const most = Math.min(MANY_UNITS, GROWTH * long.units);
    const soon = Math.min(FEW_UNITS, Math.floor(TARGET_MS / this.#unitMs));
    const hiding = Math.ceil((MARGIN * this.#latencyMs) / this.#unitMs);
    return clamp(Math.max(soon, this.overlaps ? hiding : 0), 1, most);
  }

  /** Whether a second burst is to be in flight while the first is waited for. */
  get overlaps(): boolean {
    return this.#latencyMs > NEGLIGIBLE * Math.min(TARGET_MS, FEW_UNITS * this.#unitMs);
  }

  /** A wait for work that an idle device was given. */
  learnAlone(units: number, ms: number): void {
    const wait = { units, ms };
    // The device has become slower, or was kept from work: what is known is of another one.
    const isStrange = this.#short && ms > SLOWER * (this.#latencyMs + units * this.#unitMs);
    if (isStrange && units > 1) [this.#short, this.#long, this.#latencyMs] = [wait, wait, 0];
    if (!this.#short || units < this.#short.units || (units === this.#short.units && ms < this.#short.ms))
      this.#short = wait;
    if (!this.#long || units >= this.#long.units) this.#long = wait;
    const more = this.#long.units - this.#short.units;
    if (more === 0) {
      this.#take(ms / units);
      return;
    }
    const slope = (this.#long.ms - this.#short.ms) / more;
    // Waits scatter: a unit may seem to cost less than nothing, or all of a short wait.
    const most = Math.min(this.#short.ms / this.#short.units, this.#long.ms / this.#long.units);
    this.#take(clamp(slope, most / 100, most));
    this.#latencyMs = Math.max(0, this.#short.ms - this.#short.units * this.#unitMs);
  }

  /** Time between the ends of two bursts, of which the second, `units` of work, was handed over before the first had ended. */
  learnBetween(units: number, ms: number): void {
    const each = ms / units;
    // The device may have waited for work in between, so this is the most that a unit can have cost.
    if (each < this.#unitMs || units * this.#unitMs >= this.#latencyMs) this.#take(each);
    if (this.#long && units > this.#long.units) this.#long = { units, ms: this.#latencyMs + ms };
  }

  #take(unitMs: number): void {
    this.#unitMs = Math.max(unitMs, 1e-6);
  }
}

/** Units of a wait that tells what it costs from what its work does, after the only one that is known. */
function toTellApart({ units, ms }: Wait): number {
  if (units > 1) return Math.floor(units / 2);
  if (ms > PROBE_MS) return 1;
  return ms > TARGET_MS ? 2 : 8;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
