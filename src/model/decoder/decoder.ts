/**
 * The text decoder as programs, for a fixed number of rows.
 *
 *   prefill   tokens of the prompts, as many rows as tokens  -> cache, hidden; one for few tokens, one for any number
 *   head      wanted rows of hidden -> layer norm -> logits
 *   forward   one new token a row -> cache, logits
 *   pick      logits -> rules -> best token, noted and fed to the next step
 *   step      forward and pick: what a greedy loop repeats on the device
 *
 * Each row is (token, position, sequence, audio), see kernels/sampling/decodeState.ts; a prompt is just many rows of one
 * sequence.
 */
import { type Program, type ProgramBuilder, record, type Tensor } from '../../engine/program.ts';
import { gatherRows } from '../../kernels/embed/gatherRows.ts';
import { advanceRows } from '../../kernels/sampling/advanceRows.ts';
import { chooseTokens } from '../../kernels/sampling/chooseTokens.ts';
import { LOOP_STATE, maskWords, PICKED, ROW_STATE, RULE_STATE, RULES } from '../../kernels/sampling/decodeState.ts';
import { tokenProbability } from '../../kernels/sampling/tokenProbability.ts';
import { tokenStats } from '../../kernels/sampling/tokenStats.ts';
import { chunkCount, STATS } from '../../kernels/sampling/vocabularyChunks.ts';
import type { Allocator } from './kvCache.ts';
import { type DecoderNetwork, recordLayers, recordLogits } from './layers.ts';

/** Device tables of some rows; meanings and columns in kernels/sampling/decodeState.ts. */
export interface DecoderState {
  readonly promptRows: Tensor;
  readonly hidden: Tensor;
  readonly headIndex: Tensor;
  readonly rowState: Tensor;
  readonly ruleState: Tensor;
  readonly rules: Tensor;
  readonly masks: Tensor;
  readonly loopState: Tensor;
  readonly picked: Tensor;
  readonly logits: Tensor;
  /** The no-speech id for every row, and its probability. */
  readonly noSpeechIds: Tensor;
  readonly noSpeech: Tensor;
}

export interface DecoderPrograms {
  /** For at most `SHORT_PROMPT` tokens. */
  readonly shortPrefill: Program;
  readonly head: Program;
  /** Probability of the no-speech token in the rows of `logits`. */
  readonly noSpeech: Program;
  readonly forward: Program;
  readonly pick: Program;
  readonly step: Program;
}

export interface Decoder {
  readonly state: DecoderState;
  readonly programs: DecoderPrograms;
  /** For any number of tokens. */
  readonly prefill: () => Program;
  /** The `perRow` best tokens of each row, with the tensors that hold them. */
  candidates(perRow: number): CandidateProgram;
  /** Records what `forward` is. */
  forward(p: ProgramBuilder): void;
  /** Records logits -> rules -> the `perRow` best tokens of each row: ids, logprobs [rows, perRow] in scratch. */
  best(p: ProgramBuilder, perRow: number): { readonly ids: Tensor; readonly logprobs: Tensor };
  /** Records a step in fewer commands than `forward` and what follows it; absent where the device does not want that. */
  readonly fused?: StepRecorder | undefined;
  /** A program whose sums are those of the decoder's. */
  named(name: string, body: (p: ProgramBuilder) => void): Program;
}

export interface CandidateProgram {
  readonly program: Program;
  readonly ids: Tensor;
  readonly logprobs: Tensor;
}

/** What a beam search on the device changes besides `DecoderState`. */
export interface SearchTables {
  readonly slotOf: Tensor;
  readonly search: Tensor;
}

/** Records a whole step, from the tokens in `rowState` to the next ones, without leaving logits; or what `forward` is, of many rows. */
export interface StepRecorder {
  readonly greedy?: (p: ProgramBuilder) => void;
  readonly beams?: (
    p: ProgramBuilder,
    tables: SearchTables,
    params: { readonly beamSize: number; readonly wanted: number },
  ) => void;
  readonly forward?: (p: ProgramBuilder) => void;
}

export type FusedStep = (network: DecoderNetwork, state: DecoderState, rows: number) => StepRecorder;

/** The initial tokens of a window without text before it, at most: start, language, task, no timestamps. */
export const SHORT_PROMPT = 4;

export interface DecoderSize {
  /** Rows that decode at once. */
  readonly rows: number;
  /** Tokens that are prefilled at once. */
  readonly promptRows: number;
  /** Sets of rules that rows may have. */
  readonly sets: number;
  /** Rows whose sums each row's shall have: `Command.sumsAs`. */
  readonly sumsAs: number;
  /** What records fused steps, if that is wanted. */
  readonly fusedStep?: FusedStep | undefined;
}

export function buildDecoder(
  memory: Allocator,
  network: DecoderNetwork,
  { rows, promptRows, sets, sumsAs, fusedStep }: DecoderSize,
): Decoder {
  const { nTextCtx, nTextState, nVocab } = network.dims;
  const words = (name: string, ...shape: number[]): Tensor => memory.allocate(name, 'u32', shape);
  const floats = (name: string, ...shape: number[]): Tensor => memory.allocate(name, 'f32', shape);
  const state: DecoderState = {
    promptRows: words('promptRows', promptRows, ROW_STATE.width),
    hidden: floats('hidden', promptRows, nTextState),
    headIndex: words('headIndex', rows),
    rowState: words('rowState', rows, ROW_STATE.width),
    ruleState: words('ruleState', rows, RULE_STATE.width),
    rules: words('rules', sets, RULES.width),
    masks: words('masks', sets, 2, maskWords(nVocab)),
    loopState: words('loopState', LOOP_STATE.width),
    picked: words('picked', rows, nTextCtx, PICKED.width),
    logits: floats('logits', rows, nVocab),
    noSpeechIds: words('noSpeechIds', rows),
    noSpeech: floats('noSpeech', rows),
  };

  const layers = (p: ProgramBuilder, rowState: Tensor, y: Tensor): void => recordLayers(p, network, { rowState, y });
  const prefill = (p: ProgramBuilder): void => layers(p, state.promptRows, state.hidden);
  const toLogits = (p: ProgramBuilder, x: Tensor): void => recordLogits(p, network.weights, x, state.logits);
  const fused = fusedStep?.(network, state, rows);
  const forward =
    fused?.forward ??
    ((p: ProgramBuilder): void => {
      const x = p.scratch('x', 'f32', [rows, nTextState]);
      layers(p, state.rowState, x);
      toLogits(p, x);
    });
  const choose = (p: ProgramBuilder, perRow: number, ids: Tensor, logprobs: Tensor): void => {
    const chunks = chunkCount(nVocab);
    const stats = p.scratch('stats', 'f32', [rows, chunks, STATS.width]);
    const bestIds = p.scratch('bestIds', 'u32', [rows, chunks, perRow]);
    const { masks, rules, ruleState } = state;
    p.run(tokenStats, { logits: state.logits, masks, rules, ruleState, stats, bestIds });
    p.run(chooseTokens, { logits: state.logits, rules, ruleState, stats, bestIds, ids, logprobs });
  };
  const best = (p: ProgramBuilder, perRow: number) => {
    const ids = p.scratch('ids', 'u32', [rows, perRow]);
    const logprobs = p.scratch('logprobs', 'f32', [rows, perRow]);
    choose(p, perRow, ids, logprobs);
    return { ids, logprobs };
  };
  const pick = (p: ProgramBuilder): void => {
    const { ids, logprobs } = best(p, 1);
    const { rules, rowState, ruleState, loopState, picked } = state;
    p.run(advanceRows, { ids, logprobs, rules, rowState, ruleState, loopState, picked });
  };
  const named = (name: string, body: (p: ProgramBuilder) => void): Program =>
    record(`decoder.${name}`, body, { sumsAs });
  return {
    state,
    programs: {
      shortPrefill: record('decoder.shortPrefill', prefill, { maxRows: SHORT_PROMPT }),
      head: named('head', (p) => {
        const x = p.scratch('gathered', 'f32', [rows, nTextState]);
        p.run(gatherRows, { x: state.hidden, index: state.headIndex, y: x });
        toLogits(p, x);
      }),
      noSpeech: named('noSpeech', (p) =>
        p.run(tokenProbability, { logits: state.logits, ids: state.noSpeechIds, y: state.noSpeech }),
      ),
      forward: named('forward', forward),
      pick: named('pick', pick),
      step: named('step', (p) => {
        if (fused?.greedy) return fused.greedy(p);
        forward(p);
        pick(p);
      }),
    },
    prefill: () => record('decoder.prefill', prefill),
    forward,
    best,
    fused,
    named,
    candidates(perRow) {
      const ids = words(`candidates${perRow}.ids`, rows, perRow);
      const logprobs = floats(`candidates${perRow}.logprobs`, rows, perRow);
      return { program: named(`candidates${perRow}`, (p) => choose(p, perRow, ids, logprobs)), ids, logprobs };
    },
  };
}
