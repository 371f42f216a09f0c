/**
 * The text decoder as programs, for a fixed number of rows.
 *
 *   prefill   tokens of the prompts, as many rows as tokens  -> cache, hidden
 *   head      wanted rows of hidden -> layer norm -> logits
 *   forward   one new token a row -> cache, logits
 *   pick      logits -> rules -> best token, noted and fed to the next step
 *   step      forward and pick: what a greedy loop repeats on the device
 *
 * Each row is (token, position, sequence, audio), see kernels/rowState.ts; a prompt is just many rows of one sequence.
 */

import { type Program, type ProgramBuilder, record, type Tensor } from '../../engine/program.ts';
import { selectRows } from '../../kernels/embed/gatherRows.ts';
import { advanceRows } from '../../kernels/sampling/advanceRows.ts';
import { chooseTokens } from '../../kernels/sampling/chooseTokens.ts';
import {
  chunkCount,
  loopWidth,
  maskWords,
  rowStateWidth,
  ruleStateWidth,
  rulesWidth,
} from '../../kernels/sampling/decodeState.ts';
import { tokenProbability } from '../../kernels/sampling/tokenProbability.ts';
import { logitChunks } from '../../kernels/sampling/tokenStats.ts';
import type { ModelDimensions } from '../dims.ts';
import type { ModelWeights } from '../weights.ts';
import type { Allocator, CrossCache, SelfCache } from './kvCache.ts';
import { recordLayers, recordLogits } from './layers.ts';

/** Device tables of a set of rows; meanings and columns in kernels/rowState.ts. */
export interface DecoderState {
  readonly promptRows: Tensor;
  readonly hidden: Tensor;
  readonly headIndex: Tensor;
  readonly rowState: Tensor;
  readonly ruleState: Tensor;
  readonly rules: Tensor;
  readonly masks: Tensor;
  readonly loop: Tensor;
  readonly picked: Tensor;
  readonly logits: Tensor;
  /** The no-speech id for every row, and its probability. */
  readonly noSpeechIds: Tensor;
  readonly noSpeech: Tensor;
}

export interface Decoder {
  readonly state: DecoderState;
  readonly prefill: Program;
  readonly head: Program;
  /** Probability of the no-speech token in the rows of `logits`. */
  readonly noSpeech: Program;
  readonly forward: Program;
  readonly pick: Program;
  readonly step: Program;
  /** The `perRow` best tokens of each row, with the tensors that hold them. */
  candidates(perRow: number): CandidateProgram;
}

export interface CandidateProgram {
  readonly program: Program;
  readonly ids: Tensor;
  readonly logprobs: Tensor;
}

export function buildDecoder(
  memory: Allocator,
  dims: ModelDimensions,
  w: ModelWeights,
  self: SelfCache,
  cross: CrossCache,
  rows: number,
  promptRows: number,
): Decoder {
  const { nTextCtx, nTextState, nVocab } = dims;
  const words = (name: string, ...shape: number[]): Tensor => memory.allocate(name, 'u32', shape, 'state');
  const state: DecoderState = {
    promptRows: words('promptRows', promptRows, rowStateWidth),
    hidden: memory.allocate('hidden', 'f32', [promptRows, nTextState], 'state'),
    headIndex: words('headIndex', rows),
    rowState: words('rowState', rows, rowStateWidth),
    ruleState: words('ruleState', rows, ruleStateWidth),
    rules: words('rules', rulesWidth),
    masks: words('masks', 2, maskWords(nVocab)),
    loop: words('loop', loopWidth),
    picked: words('picked', rows, nTextCtx, 2),
    logits: memory.allocate('logits', 'f32', [rows, nVocab], 'state'),
    noSpeechIds: words('noSpeechIds', rows),
    noSpeech: memory.allocate('noSpeech', 'f32', [rows], 'state'),
  };

  const layers = (p: ProgramBuilder, rowState: Tensor, y: Tensor): void =>
    recordLayers(p, { dims, weights: w, self, cross, rowState, y });
  const toLogits = (p: ProgramBuilder, x: Tensor): void => recordLogits(p, w, x, state.logits);
  const forward = (p: ProgramBuilder): void => {
    const x = p.scratch('x', 'f32', [rows, nTextState]);
    layers(p, state.rowState, x);
    toLogits(p, x);
  };
  const choose = (p: ProgramBuilder, perRow: number, ids: Tensor, logprobs: Tensor): void => {
    const chunks = chunkCount(nVocab);
    const stats = p.scratch('stats', 'f32', [rows, chunks, 4]);
    const bestIds = p.scratch('bestIds', 'u32', [rows, chunks, perRow]);
    const { masks, rules, ruleState } = state;
    p.run(logitChunks, { logits: state.logits, masks, rules, ruleState, stats, bestIds });
    p.run(chooseTokens, { logits: state.logits, rules, stats, bestIds, ids, logprobs });
  };
  const pick = (p: ProgramBuilder): void => {
    const ids = p.scratch('ids', 'u32', [rows, 1]);
    const logprobs = p.scratch('logprobs', 'f32', [rows, 1]);
    choose(p, 1, ids, logprobs);
    const { rules, rowState, ruleState, loop, picked } = state;
    p.run(advanceRows, { ids, logprobs, rules, rowState, ruleState, loop, picked });
  };
  return {
    state,
    prefill: record('decoder.prefill', (p) => layers(p, state.promptRows, state.hidden)),
    head: record('decoder.head', (p) => {
      const x = p.scratch('selected', 'f32', [rows, nTextState]);
      p.run(selectRows, { x: state.hidden, index: state.headIndex, y: x });
      toLogits(p, x);
    }),
    noSpeech: record('decoder.noSpeech', (p) =>
      p.run(tokenProbability, { logits: state.logits, ids: state.noSpeechIds, y: state.noSpeech }),
    ),
    forward: record('decoder.forward', forward),
    pick: record('decoder.pick', pick),
    step: record('decoder.step', (p) => {
      forward(p);
      pick(p);
    }),
    candidates(perRow) {
      const ids = words(`candidates${perRow}.ids`, rows, perRow);
      const logprobs = memory.allocate(`candidates${perRow}.logprobs`, 'f32', [rows, perRow], 'state');
      return { program: record(`decoder.candidates${perRow}`, (p) => choose(p, perRow, ids, logprobs)), ids, logprobs };
    },
  };
}
