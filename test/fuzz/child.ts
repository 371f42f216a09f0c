/**
 * A process that reads damaged files one after another and says so, a line of JSON each: what it is about to read, and
 * how it ended. If it dies or hangs, the last line says where.
 *
 *   node --expose-gc child.js READER SEED FIRST COUNT
 */

import { ERROR_CODES } from '../../src/base/codes.ts';
import { SottoError } from '../../src/base/errors.ts';
import { inputOf } from './input.ts';
import { READERS } from './readers.ts';

/** What a child says of one input. */
export type Report =
  | { readonly kind: 'begin'; readonly number: number; readonly bytes: number }
  | {
      readonly kind: 'end';
      readonly number: number;
      readonly ms: number;
      /** MB of memory at its highest, above what good files of this kind take. */
      readonly growth: number;
      /** Code of a typed error; undefined if the file was read. */
      readonly code?: string | undefined;
      /** What is wrong with the error, if it is no typed one. */
      readonly fault?: string | undefined;
    };

const [name = '', seed = '0', first = '0', count = '0'] = process.argv.slice(2);
const reader = READERS[name];
if (!reader) throw new Error(`no reader ${name}`);
const say = (report: Report): void => void process.stdout.write(`${JSON.stringify(report)}\n`);
const peakMb = (): number => process.resourceUsage().maxRSS / 1024;
const codes = new Set<string>(Object.values(ERROR_CODES).flatMap((ofClass) => Object.keys(ofClass)));

// What good files take, garbage of several readings included, is the measure.
const seeds = await reader.seeds();
for (let i = 0; i < 3; i++) for (const good of seeds) await reader.read(good);
const base = peakMb();

for (let number = Number(first); number < Number(first) + Number(count); number++) {
  const bytes = inputOf(reader, seeds, name, Number(seed), number);
  globalThis.gc?.();
  say({ kind: 'begin', number, bytes: bytes.length });
  const start = performance.now();
  let code: string | undefined;
  let fault: string | undefined;
  try {
    await reader.read(bytes);
  } catch (error) {
    if (error instanceof SottoError && codes.has(error.code)) code = error.code;
    else fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  say({ kind: 'end', number, ms: performance.now() - start, growth: peakMb() - base, code, fault });
}
