/**
 * How far the windows that are being decoded have got, for a bar that moves: a window of a large model takes half a minute
 * on a CPU. What is known meanwhile are the layers that the encoder has run, and the timestamps that the decoder has written.
 */
import type { Decoding, Inference } from '../../decode/inference.ts';
import { LAST_TICK } from '../time.ts';

/** Of a window's time that goes into its encoder: from a third with tiny to four fifths with large. */
const ENCODER_SHARE = 0.5;

export interface WorkRound {
  /** Encoded one after the other, then decoded together. */
  readonly windows: number;
  /** Length of the longest. */
  readonly ticks?: number;
  /** No text is decoded: the language is looked for. */
  readonly isEncodedOnly?: boolean;
}

export class WindowWork {
  /** The engine, watched. */
  readonly inference: Inference;
  readonly #onShare: (share: number) => void;
  #round: Required<WorkRound> = { windows: 1, ticks: LAST_TICK, isEncodedOnly: false };
  #encoded = 0;

  /** @param onShare told which share of a round is done, in [0, 1]; another attempt, at a higher temperature, begins anew */
  constructor(inference: Inference, onShare: (share: number) => void) {
    this.#onShare = onShare;
    const { nVocab, nTextCtx, nMels, maxRows } = inference;
    const beams = inference.beams?.bind(inference);
    this.inference = {
      nVocab,
      nTextCtx,
      nMels,
      ...(maxRows !== undefined && { maxRows }),
      encode: async (mel, signal) => {
        const audio = await inference.encode(mel, signal, (share) => this.#tellEncoded(share));
        this.#encoded++;
        return audio;
      },
      greedy: (groups, rules, limit, signal) =>
        inference.greedy(groups, rules, limit, signal, this.#onRows(rules.timestamps?.begin)),
      ...(beams && {
        beams: (groups, rules, end, signal) => beams(groups, rules, end, signal, this.#onRows(rules.timestamps?.begin)),
      }),
      start: async (groups, rules, signal) =>
        this.#watched(await inference.start(groups, rules, signal), rules.timestamps?.begin),
      ...(inference.reserveAudio && { reserveAudio: inference.reserveAudio.bind(inference) }),
      ...(inference.align && { align: inference.align.bind(inference) }),
    };
  }

  begin({ windows, ticks = LAST_TICK, isEncodedOnly = false }: WorkRound): void {
    this.#round = { windows, ticks, isEncodedOnly };
    this.#encoded = 0;
  }

  #onRows(begin: number | undefined): (rows: readonly { readonly lastTimestamp: number }[]) => void {
    return (rows) =>
      this.#tellTimestamps(
        rows.map(({ lastTimestamp }) => lastTimestamp),
        begin,
      );
  }

  /** Its tokens are seen when they are chosen. */
  #watched(decoding: Decoding, begin: number | undefined): Decoding {
    const last = new Array<number>(decoding.rows).fill(-1);
    return {
      rows: decoding.rows,
      noSpeechProb: decoding.noSpeechProb,
      candidates: (perRow, signal) => decoding.candidates(perRow, signal),
      logits: (first, end) => decoding.logits(first, end),
      advance: (tokens, sourceRows) => {
        decoding.advance(tokens, sourceRows);
        for (const row of last.keys()) if (begin !== undefined && tokens[row]! >= begin) last[row] = tokens[row]!;
        this.#tellTimestamps(last, begin);
      },
      close: () => decoding.close(),
    };
  }

  /** @param share of the layers of the window that is being encoded */
  #tellEncoded(share: number): void {
    const encoded = Math.min(1, (this.#encoded + share) / this.#round.windows);
    this.#onShare(this.#round.isEncodedOnly ? encoded : ENCODER_SHARE * encoded);
  }

  /** @param last the latest of each row, -1 where there is none */
  #tellTimestamps(last: readonly number[], begin: number | undefined): void {
    if (begin === undefined || this.#round.isEncodedOnly) return;
    const ticks = last.reduce((sum, id) => sum + Math.max(0, id - begin), 0) / last.length;
    this.#onShare(ENCODER_SHARE + (1 - ENCODER_SHARE) * Math.min(1, ticks / this.#round.ticks));
  }
}
