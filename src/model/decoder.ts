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
import type { Device } from '../device/device.js';
import { advanceRows } from '../kernels/advanceRows.js';
import { attentionStep } from '../kernels/attentionStep.js';
import { chooseTokens } from '../kernels/chooseTokens.js';
import { embed } from '../kernels/embed.js';
import { kvAppend } from '../kernels/kvAppend.js';
import { layerNorm } from '../kernels/layerNorm.js';
import { logitChunks } from '../kernels/logitChunks.js';
import { logits } from '../kernels/logits.js';
import { chunkCount, loopWidth, maskWords, rowStateWidth, ruleStateWidth, rulesWidth } from '../kernels/rowState.js';
import { selectRows } from '../kernels/selectRows.js';
import { tokenProbability } from '../kernels/tokenProbability.js';
import { type Program, type ProgramBuilder, record, type Tensor } from '../program/program.js';
import { mlp, normed, projected } from './blocks.js';
import type { ModelDimensions } from './dims.js';
import type { CrossCache, SelfCache } from './kvCache.js';
import type { ModelWeights } from './weights.js';

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
  device: Device,
  dims: ModelDimensions,
  w: ModelWeights,
  self: SelfCache,
  cross: CrossCache,
  rows: number,
  promptRows: number,
): Decoder {
  const { nTextCtx, nTextState, nVocab } = dims;
  const words = (name: string, ...shape: number[]): Tensor => device.allocate(name, 'u32', shape, 'state');
  const state: DecoderState = {
    promptRows: words('promptRows', promptRows, rowStateWidth),
    hidden: device.allocate('hidden', 'f32', [promptRows, nTextState], 'state'),
    headIndex: words('headIndex', rows),
    rowState: words('rowState', rows, rowStateWidth),
    ruleState: words('ruleState', rows, ruleStateWidth),
    rules: words('rules', rulesWidth),
    masks: words('masks', 2, maskWords(nVocab)),
    loop: words('loop', loopWidth),
    picked: words('picked', rows, nTextCtx, 2),
    logits: device.allocate('logits', 'f32', [rows, nVocab], 'state'),
    noSpeech: device.allocate('noSpeech', 'f32', [rows], 'state'),
  };

  /** All layers for the rows in `rowState`; writes the residual stream after the last one to `y`. */
  const layers = (p: ProgramBuilder, rowState: Tensor, y: Tensor): void => {
    const shape = y.shape;
    let x = p.scratch('embedded', 'f32', shape);
    for (const { table, begin, count } of w.embedding)
      p.run(embed, { rowState, table, positions: w.decoderPositions, y: x }, { begin, count });
    for (const [i, layer] of w.decoderLayers.entries()) {
      const nHead = dims.nTextHead;
      const qkv = projected(p, 'qkv', normed(p, 'normed', x, layer.attention.norm), layer.attention.qkv);
      const keys = self.keys[i]!;
      const values = self.values[i]!;
      p.run(kvAppend, { qkv, rowState, keys, values, slotOf: self.slotOf });
      const attended = p.scratch('attended', 'f32', shape);
      p.run(attentionStep, { q: qkv, keys, values, rowState, slotOf: self.slotOf, y: attended }, { nHead });
      x = projected(p, 'attention.out', attended, layer.attention.out, x);
      const q = projected(p, 'cross.q', normed(p, 'cross.normed', x, layer.crossNorm), layer.crossQuery);
      const heard = p.scratch('heard', 'f32', shape);
      const crossArgs = { keys: cross.keys[i]!, values: cross.values[i]!, rowState, y: heard };
      p.run(attentionStep, { q, ...crossArgs }, { nHead, cross: 1 });
      x = projected(p, 'cross.out', heard, layer.crossOut, x);
      const out = i === w.decoderLayers.length - 1 ? y : p.scratch(`layer${i}.out`, 'f32', shape);
      mlp(p, x, layer.mlp, out);
      x = out;
    }
  };
  const toLogits = (p: ProgramBuilder, x: Tensor): void => {
    const last = p.scratch('last.normed', 'f32', [rows, nTextState]);
    p.run(layerNorm, { x, ...w.decoderNorm, y: last });
    for (const { table, begin, count } of w.embedding)
      p.run(logits, { x: last, w: table, y: state.logits }, { begin, count });
  };
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
      p.run(tokenProbability, { logits: state.logits, rules: state.rules, y: state.noSpeech }),
    ),
    forward: record('decoder.forward', forward),
    pick: record('decoder.pick', pick),
    step: record('decoder.step', (p) => {
      forward(p);
      pick(p);
    }),
    candidates(perRow) {
      const ids = words(`candidates${perRow}.ids`, rows, perRow);
      const logprobs = device.allocate(`candidates${perRow}.logprobs`, 'f32', [rows, perRow], 'state');
      return { program: record(`decoder.candidates${perRow}`, (p) => choose(p, perRow, ids, logprobs)), ids, logprobs };
    },
  };
}
