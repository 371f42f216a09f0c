/** Rows that decode step by step: what is best for each, and what they are after their next tokens. */
import { InternalError } from '../../base/errors.ts';
import type { Candidates } from '../../decode/inference.ts';
import { readFloats, readWords } from '../../engine/device.ts';
import { NO_TOKEN, NON_FINITE_TOKEN } from '../../kernels/sampling/decodeState.ts';
import type { DecodingContext, DecodingRow } from './decodingRows.ts';

/**
 * Rows of one or several groups after their next tokens.
 *
 * @param sourceRows which of the rows each one continues; itself when absent
 * @param slotOf     the host's copy: made to follow
 */
export function advanced(
  before: readonly DecodingRow[],
  tokens: ArrayLike<number>,
  sourceRows: ArrayLike<number> | undefined,
  slotOf: Uint32Array,
  nTextCtx: number,
): DecodingRow[] {
  const source = before.map((_, row) => before[sourceRows?.[row] ?? row]!);
  if (source.some((from, row) => from !== before[row])) {
    const places = source.map(({ sequence }) => slotOf.slice(sequence * nTextCtx, (sequence + 1) * nTextCtx));
    for (const [row, place] of places.entries()) slotOf.set(place, before[row]!.sequence * nTextCtx);
  }
  return before.map((own, row) => {
    const { sampled } = source[row]!;
    // A row that has ended stands still, whatever it is given: the others may go on to the end of the context.
    const next = sampled.at(-1) === own.rules.eot ? sampled : [...sampled, tokens[row]!];
    const position = own.promptLength + next.length - 1;
    if (position >= nTextCtx) throw new InternalError(`row ${row} is at ${position}, the decoder holds ${nTextCtx}`);
    slotOf[own.sequence * nTextCtx + position] = own.sequence;
    return { ...own, sampled: next };
  });
}

/** The best tokens of so many rows of logits; `finite` says of which rows. A row that has too few has `eot` with -Infinity. */
export async function bestTokens(
  { device, slot }: DecodingContext,
  rows: readonly DecodingRow[],
  perRow: number,
  signal?: AbortSignal,
): Promise<Candidates & { readonly finite: readonly boolean[] }> {
  const choose = await slot.candidates(perRow, signal);
  device.submit(choose.ready, { rows: rows.length });
  const count = rows.length * perRow;
  const [tokens, logprobs] = await Promise.all([
    readWords(device, choose.ids, 0, count),
    readFloats(device, choose.logprobs, 0, count),
  ]);
  const finite = rows.map((_, row) => tokens[row * perRow] !== NON_FINITE_TOKEN);
  for (const [i, token] of tokens.entries()) {
    if (token !== NO_TOKEN) continue;
    tokens[i] = rows[Math.floor(i / perRow)]!.rules.eot;
    logprobs[i] = Number.NEGATIVE_INFINITY;
  }
  return { perRow, tokens, logprobs, finite };
}
