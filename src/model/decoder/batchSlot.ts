/** Programs and tables for one number of rows, and feeding prompts to them. */
import type { Device, Executable } from '../../engine/device.ts';
import type { Tensor } from '../../engine/program.ts';
import { rowStateWidth } from '../../kernels/sampling/decodeState.ts';
import type { ModelDimensions } from '../dims.ts';
import type { ModelWeights } from '../weights.ts';
import { buildDecoder, type CandidateProgram, type Decoder } from './decoder.ts';
import { type Allocator, allocateSelfCache, type CrossCache } from './kvCache.ts';

/** What is prepared for one number of rows. */
export interface RowSet {
  readonly rows: number;
  readonly decoder: Decoder;
  readonly ready: Readonly<Record<'prefill' | 'head' | 'noSpeech' | 'forward' | 'pick' | 'step', Executable>>;
  readonly candidates: Map<number, CandidateProgram & { readonly ready: Executable }>;
  readonly slotOf: Tensor;
  busy: boolean;
}

export async function makeRowSet(
  device: Device,
  memory: Allocator,
  dims: ModelDimensions,
  weights: ModelWeights,
  cross: CrossCache,
  rows: number,
  signal?: AbortSignal,
): Promise<RowSet> {
  const cache = allocateSelfCache(memory, dims, rows);
  // Room for the longest prompt of every window that can decode at once.
  const promptRows = dims.nTextCtx * Math.min(rows, cross.slots);
  const decoder = buildDecoder(memory, dims, weights, cache, cross, rows, promptRows);
  const { prefill, head, noSpeech, forward, pick, step } = decoder;
  const ready = await device.prepare([prefill, head, noSpeech, forward, pick, step], signal);
  return {
    rows,
    decoder,
    ready: {
      prefill: ready[0]!,
      head: ready[1]!,
      noSpeech: ready[2]!,
      forward: ready[3]!,
      pick: ready[4]!,
      step: ready[5]!,
    },
    candidates: new Map(),
    slotOf: cache.slotOf,
    busy: false,
  };
}

export interface PromptRow {
  readonly tokens: readonly number[];
  readonly sequence: number;
  readonly audio: number;
}

/** Runs the tokens of some sequences through all layers, from position 0 on. */
export function feedPrompt(device: Device, set: RowSet, prompts: readonly PromptRow[]): void {
  const words = new Uint32Array(prompts.reduce((n, { tokens }) => n + tokens.length, 0) * rowStateWidth);
  let at = 0;
  for (const { tokens, sequence, audio } of prompts)
    for (const [position, token] of tokens.entries()) {
      words.set([token, position, sequence, audio], at);
      at += rowStateWidth;
    }
  device.write(set.decoder.state.promptRows, words);
  device.submit(set.ready.prefill, { rows: words.length / rowStateWidth });
}
