/** The cross-attention of a window's text, and the path through it. */
import type { AudioFeatures, Inference } from '../decode/inference.ts';
import type { Task, Tokenizer } from '../text/tokenizer.ts';
import { framesToSeconds, TICKS_PER_SECOND } from '../transcribe/time.ts';
import type { WindowPlace } from '../transcribe/window/segments.ts';
import { filteredHead, softmaxRows, tracedAlignment } from '../transcribe/words/alignment.ts';
import { tokenText } from './attempts.ts';
import type { InspectedAlignment, InspectedHead, PathWord } from './inspection.ts';

export interface AttentionInput {
  readonly audio: AudioFeatures;
  readonly place: WindowPlace;
  /** Without timestamps. */
  readonly textTokens: readonly number[];
  readonly language: string;
  readonly task: Task;
  readonly heads: 'alignment' | 'all' | readonly (readonly [layer: number, head: number])[];
}

/** @returns undefined where there is nothing to align */
export async function inspectAttention(
  inference: Inference,
  tokenizer: Tokenizer,
  { place, heads: asked, ...input }: AttentionInput,
  signal: AbortSignal | undefined,
): Promise<InspectedAlignment | undefined> {
  const heads: InspectedHead[] = [];
  const keep = (scores: Float32Array, layer: number, head: number, columns: number): void => {
    const values = softmaxRows(scores, columns);
    const rows = values.length / columns;
    const filtered = filteredHead(values.slice(), rows, columns);
    heads.push({
      layer,
      head,
      probabilities: { rows, columns, values },
      filtered: { rows, columns, values: filtered },
    });
  };
  const isAlignment = asked === 'alignment';
  const watched: Pick<Inference, 'align'> = {
    align: (request, onHead, abort) =>
      inference.align!(
        request,
        (scores, layer, head) => {
          onHead(scores, layer, head);
          if (isAlignment) keep(scores, layer, head, request.columns);
        },
        abort,
      ),
  };
  const trace = await tracedAlignment(watched, tokenizer, { ...input, nFrames: place.size }, signal);
  if (!trace) return undefined;
  const { tokens, columns, firstRow, rows, costs, starts } = trace;
  if (!isAlignment && (asked === 'all' || asked.length > 0)) {
    const request = { audio: input.audio, tokens, columns, vocabEnd: tokenizer.eot, heads: asked };
    await inference.align?.(request, (scores, layer, head) => keep(scores, layer, head, columns), signal);
  }
  const offset = framesToSeconds(place.seek);
  let row = 0;
  const words = trace.words.map(({ word, tokens: own, start, end, probability }): PathWord => {
    const first = row;
    row += own.length;
    return { word, tokens: own, start: offset + start, end: offset + end, probability, row: first };
  });
  return {
    tokens: tokens.map((token) => ({ token, text: tokenText(tokenizer, token) })),
    firstRow,
    secondsPerColumn: 1 / TICKS_PER_SECOND,
    mean: { rows, columns, values: costs.map((cost) => -cost) },
    path: [...starts],
    words,
    heads,
  };
}
