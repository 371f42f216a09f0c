/** What is prepared for one number of rows: programs, tables, a self-attention cache. */
import { type Device, type Executable, prepareNamed } from '../../engine/device.ts';
import type { CacheType } from '../../engine/dtype.ts';
import type { Tensor } from '../../engine/program.ts';
import { ROW_STATE } from '../../kernels/sampling/decodeState.ts';
import { ChunkedSubmit } from '../chunkedSubmit.ts';
import {
  buildDecoder,
  type CandidateProgram,
  type Decoder,
  type DecoderPrograms,
  type DecoderState,
  type FusedStep,
  SHORT_PROMPT,
} from './decoder.ts';
import { type Allocator, allocateSelfCache } from './kvCache.ts';
import type { DecoderNetwork } from './layers.ts';

/** Of the MLP's hidden layer, for each number of a token's state: four f32. */
const MLP_BYTES = 16;

export interface Candidate extends CandidateProgram {
  readonly ready: Executable;
}

/** Beam search: of the logits that are there; of those of one more token. */
export interface BeamPrograms {
  readonly pick: Executable;
  readonly step: Executable;
  /** The tables of `SearchSize`. */
  readonly search: Tensor;
  readonly steps: ChunkedSubmit;
}

export interface BatchSlot {
  readonly rows: number;
  readonly decoder: Decoder;
  readonly state: DecoderState;
  readonly memory: Allocator;
  readonly ready: Readonly<Record<keyof DecoderPrograms, Executable>>;
  /** The program that feeds so many tokens of prompts: the one for many is prepared when first asked for. */
  prefill(tokens: number, signal?: AbortSignal): Promise<Executable>;
  /** Programs for so many candidates a row: prepared when first asked for. */
  candidates(perRow: number, signal?: AbortSignal): Promise<Candidate>;
  /** Where each position of each row lies in the self-attention cache: [rows, nTextCtx]. */
  readonly slotOf: Tensor;
  /** Hands over greedy steps, and knows by now how many at once. */
  readonly steps: ChunkedSubmit;
  /** Those of beam search that are prepared, by what they are for. */
  readonly searches: Map<string, BeamPrograms>;
  busy: boolean;
}

/** Rows that decode together. */
export interface BatchSize {
  readonly rows: number;
  /** Those of one group, where groups come and go: each has rules of its own, and the numbers that it has alone. */
  readonly rowsEach?: number | undefined;
}

export interface BatchSlotOptions extends Omit<DecoderNetwork, 'self'>, BatchSize {
  readonly device: Device;
  readonly memory: Allocator;
  /** Of the self-attention cache. */
  readonly cacheDtype: CacheType;
  /** What records fused steps, if that is wanted. */
  readonly fusedStep?: FusedStep | undefined;
}

export async function makeBatchSlot(options: BatchSlotOptions, signal?: AbortSignal): Promise<BatchSlot> {
  const { device, memory, rows, rowsEach = rows, cacheDtype, fusedStep, ...network } = options;
  const self = allocateSelfCache(memory, network.dims, { slots: rows, dtype: cacheDtype });
  const { nTextCtx, nTextState } = network.dims;
  // The longest prompt of every window that can decode at once, or as many tokens as have the MLP's hidden layer in one tensor.
  const most = Math.min(
    nTextCtx * Math.min(rows, network.cross.slots),
    Math.floor(device.maxTensorBytes / (MLP_BYTES * nTextState)),
  );
  const promptRows = Math.max(nTextCtx, most);
  const size = { rows, promptRows, sets: rows / rowsEach, sumsAs: rowsEach, fusedStep };
  const decoder = buildDecoder(memory, { ...network, self }, size);
  const candidates = new Map<number, Candidate>();
  const ready = await prepareNamed(device, { ...decoder.programs }, signal);
  let longPrefill: Executable | undefined;
  return {
    rows,
    decoder,
    state: decoder.state,
    memory,
    ready,
    async prefill(tokens, signal) {
      if (tokens <= SHORT_PROMPT) return ready.shortPrefill;
      longPrefill ??= (await prepareNamed(device, { prefill: decoder.prefill() }, signal)).prefill;
      return longPrefill;
    },
    async candidates(perRow, signal) {
      const known = candidates.get(perRow);
      if (known) return known;
      const made = decoder.candidates(perRow);
      const { ready } = await prepareNamed(device, { ready: made.program }, signal);
      const candidate = { ...made, ready };
      candidates.set(perRow, candidate);
      return candidate;
    },
    slotOf: self.slotOf,
    steps: new ChunkedSubmit(),
    searches: new Map(),
    busy: false,
  };
}

export interface Prompt {
  readonly tokens: readonly number[];
  /** Its slot in the self-attention cache. */
  readonly sequence: number;
  /** Its slot in the cross-attention cache. */
  readonly audio: number;
}

/**
 * Runs prompts through all layers, each from position 0 on: fills their caches and `hidden`.
 *
 * @param wanted tokens, counted over all prompts, whose rows of `hidden` are asked for: two a prompt at most
 * @returns where each of them lies
 */
export async function prefill(
  device: Device,
  slot: BatchSlot,
  prompts: readonly Prompt[],
  wanted: readonly number[],
  signal?: AbortSignal,
): Promise<readonly number[]> {
  const { promptRows } = slot.state;
  const rows = prompts.flatMap(({ tokens, sequence, audio }) =>
    tokens.map((token, position) => ROW_STATE.encode({ token, position, sequence, audio })),
  );
  if (rows.length > promptRows.shape[0]!) {
    const { inParts } = await import('./inParts.ts');
    return inParts(device, slot.state.hidden, prompts, wanted, (part) => prefill(device, slot, part, wanted, signal));
  }
  const program = await slot.prefill(rows.length, signal);
  device.write(promptRows, Uint32Array.from(rows.flat()));
  device.submit(program, { rows: rows.length });
  return wanted;
}
