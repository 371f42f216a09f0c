/** Beam search as a loop on the device: the host waits only now and then to see whether all groups are done. */
import type { BeamsEnd, FoundBeams, SummedSequence } from '../../decode/inference.ts';
import { prepareNamed, readWords } from '../../engine/device.ts';
import type { ProgramBuilder } from '../../engine/program.ts';
import { advanceBeams } from '../../kernels/sampling/advanceBeams.ts';
import { decodeRuleState, LOOP_STATE } from '../../kernels/sampling/decodeState.ts';
import { ENDED, GROUP_DONE, GROUPS, PATH, type SearchSize, searchLayout } from '../../kernels/sampling/searchState.ts';
import type { RuleState } from '../../rules/logitRules.ts';
import { ChunkedSubmit } from '../chunkedSubmit.ts';
import type { BeamPrograms } from './batchSlot.ts';
import { type DecodingContext, type DecodingRow, nonFinite } from './decodingRows.ts';

/**
 * Steps all groups until each has enough candidates, or beams of `limit` tokens.
 *
 * @param rows   as `prefillGroups` left them, `beamSize` a group
 * @param onStep told after each burst of steps but the last
 * @returns one a group; undefined if a group had fewer allowed tokens than beams, which a step on the host copes with
 * @throws {NumericError} `nonFinite`
 */
export async function decodeBeams(
  context: DecodingContext,
  rows: readonly DecodingRow[],
  beamSize: number,
  { wanted, limit }: BeamsEnd,
  signal?: AbortSignal,
  onStep?: (rows: readonly RuleState[]) => void,
): Promise<readonly FoundBeams[] | undefined> {
  const { device, dims, slot } = context;
  const { loopState, ruleState } = slot.state;
  const size: SearchSize = { rows: rows.length, beamSize, wanted, steps: dims.nTextCtx };
  const { pick, step, search, steps } = await programsOf(context, size, signal);
  const most = Math.max(1, Math.min(limit, ...rows.map(({ promptLength }) => dims.nTextCtx + 1 - promptLength)));
  device.write(loopState, Uint32Array.from(LOOP_STATE.encode({ limit: most })));
  // Sums and groups begin with zeros.
  device.write(search, new Uint32Array(4 * searchLayout(size).ended));
  device.submit(pick);
  await steps.repeat(
    most - 1,
    (times) => device.submit(step, { times, until: loopState }),
    async () => {
      const [loop, words] = await Promise.all([readWords(device, loopState), onStep && readWords(device, ruleState)]);
      const isDone = loop[LOOP_STATE.index.done] !== 0;
      if (words && !isDone) onStep?.(rows.map((_, row) => decodeRuleState(words, row)));
      return isDone;
    },
    signal,
  );
  return found(context, search, size);
}

async function programsOf(
  { device, slot }: DecodingContext,
  size: SearchSize,
  signal: AbortSignal | undefined,
): Promise<BeamPrograms> {
  const { beamSize, wanted, rows } = size;
  const key = `${beamSize}, ${wanted}`;
  const known = slot.searches.get(key);
  if (known) return known;
  const { decoder, memory, slotOf } = slot;
  const { end } = searchLayout(size);
  const search = memory.allocate(`search of ${rows} rows, ${key}`, 'u32', [end, 4]);
  const pick = (p: ProgramBuilder): void => {
    const best = decoder.best(p, beamSize + 1);
    const { rules, rowState, ruleState, loopState } = decoder.state;
    p.run(advanceBeams, { ...best, rules, rowState, ruleState, loopState, slotOf, search }, { beamSize, wanted });
  };
  const programs = {
    pick: decoder.named('pickBeams', pick),
    step: decoder.named('stepBeams', (p) => {
      if (decoder.fused?.beams) return decoder.fused.beams(p, { slotOf, search }, { beamSize, wanted });
      decoder.forward(p);
      pick(p);
    }),
  };
  const made = { ...(await prepareNamed(device, programs, signal)), search, steps: new ChunkedSubmit() };
  slot.searches.set(key, made);
  return made;
}

/** Reads what the search has left: as much of the path as there are steps. */
async function found(
  { device }: DecodingContext,
  search: BeamPrograms['search'],
  size: SearchSize,
): Promise<readonly FoundBeams[] | undefined> {
  const { rows, beamSize, wanted } = size;
  const begin = searchLayout(size);
  const heads = await readWords(device, search, 4 * begin.groups, 4 * begin.path);
  const groups = Array.from({ length: rows / beamSize }, (_, group) => ({
    done: heads[GROUPS.at(group, 'done')]!,
    ended: heads[GROUPS.at(group, 'ended')]!,
    steps: heads[GROUPS.at(group, 'steps')]!,
  }));
  if (groups.some(({ done }) => done === GROUP_DONE.nonFinite)) throw nonFinite();
  if (groups.some(({ done }) => done === GROUP_DONE.short)) return undefined;
  const steps = Math.max(...groups.map((group) => group.steps));
  const path = await readWords(device, search, 4 * begin.path, 4 * (begin.path + steps * rows));
  const ended = heads.subarray(4 * (begin.ended - begin.groups));
  return groups.map((group, g) => ({
    ended: Array.from({ length: group.ended }, (_, i) => {
      const at = (column: keyof typeof ENDED.index): number => ended[ENDED.at(g * wanted + i, column)]!;
      return { ...walk(path, rows, g * beamSize, at('beam'), at('step')), sumLogprob: floatOf(at('sum')) };
    }),
    running: Array.from({ length: beamSize }, (_, beam): SummedSequence => {
      const last = path[PATH.at((group.steps - 1) * rows + g * beamSize + beam, 'sum')]!;
      return { ...walk(path, rows, g * beamSize, beam, group.steps), sumLogprob: floatOf(last) };
    }),
  }));
}

/** The tokens of a beam that has made so many steps, from the last to the first. */
function walk(path: Uint32Array, rows: number, first: number, beam: number, steps: number) {
  const tokens = new Array<number>(steps);
  const logprobs = new Array<number>(steps);
  let at = beam;
  for (let step = steps - 1; step >= 0; step--) {
    const entry = step * rows + first + at;
    tokens[step] = path[PATH.at(entry, 'token')]!;
    logprobs[step] = floatOf(path[PATH.at(entry, 'logprob')]!);
    at = path[PATH.at(entry, 'source')]!;
  }
  return { tokens, logprobs };
}

const view = new DataView(new ArrayBuffer(4));

function floatOf(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}
