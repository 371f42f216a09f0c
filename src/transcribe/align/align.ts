/**
 * When each word of a known text is said. The recording is transcribed with word times; words that both texts have keep the
 * times found there, so that an error of the text moves nothing beside it. What else the text has is looked for in the windows
 * around (`candidates.ts`), and what is not there is reported, as is what is said and not in the text.
 */
import type { LogMel } from '../../audio/features/logMel.ts';
import { strip } from '../../base/python.ts';
import { compressionRatio } from '../../text/compressionRatio.ts';
import { isUnspaced } from '../../text/words.ts';
import { resolveTranscribeOptions } from '../options.ts';
import { detectSpeech, type SpeechMap } from '../recording/speech.ts';
import type { SpeechModel } from '../speechModel.ts';
import { transcribe } from '../transcribe.ts';
import type { Segment, Transcript, Unmatched, Word } from '../transcript.ts';
import type { Alignment } from './alignment.ts';
import { type Found, findCandidates } from './candidates.ts';
import { type KnownWord, knownWords } from './knownText.ts';
import { makeRoom } from './makeRoom.ts';
import { type AlignOptions, recognitionOptions } from './options.ts';
import { textLines } from './textLines.ts';
import { type HeardWord, matchTexts, type TextPiece } from './textMatch.ts';

export { recognitionOptions, textLines };

/** Below this, recognised words that are not in the text are taken for none. */
const LEAST_CERTAIN = 0.2;

/**
 * @param lines of the text; they become segments
 * @throws {OptionsError}; {NumericError}; the signal's reason
 */
export async function align(
  model: SpeechModel,
  mel: LogMel,
  lines: readonly string[],
  options: AlignOptions = {},
): Promise<Alignment> {
  const { tokenizer } = model;
  const recognition = recognitionOptions(options);
  const marks = resolveTranscribeOptions(recognition);
  const transcript = await transcribe(model, mel, recognition);
  const { language } = transcript;
  const known = knownWords(lines, tokenizer, language, marks);
  const heard = transcript.segments.flatMap(({ words = [], seek }) =>
    words.map((word): HeardWord => ({ ...word, seek })),
  );
  const pieces = matchTexts(known, heard, isUnspaced(language));
  const texts = { known, heard, pieces };
  const found = await findCandidates(model, mel, texts, language, options.signal);
  const isOther = found.size === 0 && !pieces.some((piece) => 'match' in piece);
  for (const piece of pieces) if ('match' in piece) found.set(piece.match.known, piece.match);
  makeRoom(pieces, found);
  const speech = isOther ? undefined : await detectSpeech(mel, options.signal);
  const segments = segmentsOf(lines, known, found, transcript);
  return {
    ...transcript,
    text: segments.map(({ text }) => text).join(''),
    segments,
    unmatched: unmatchedOf(texts, found, transcript.duration ?? 0, speech),
    wordCount: known.filter(({ units }) => units.length > 0).length,
    foundCount: [...found.keys()].filter((k) => known[k]!.units.length > 0).length,
  };
}

function segmentsOf(
  lines: readonly string[],
  known: readonly KnownWord[],
  found: ReadonlyMap<number, Found>,
  transcript: Transcript,
): Segment[] {
  const segments: Segment[] = [];
  const byLine: [k: number, word: KnownWord][][] = lines.map(() => []);
  for (const [k, word] of known.entries()) byLine[word.line]?.push([k, word]);
  for (const own of byLine) {
    const placed = own.flatMap(([k]) => found.get(k) ?? []);
    const [first, last] = [placed[0], placed.at(-1)];
    if (!first || !last) continue;
    let time = first.start;
    const words = own.map(([k, { word }]): Word => {
      const place = found.get(k) ?? { start: time, end: time, probability: 0 };
      time = place.end;
      return { word, start: place.start, end: place.end, probability: place.probability };
    });
    const text = words.map(({ word }) => word).join('');
    const heardIn = transcript.segments.findLast(({ start }) => start <= first.start) ?? transcript.segments[0];
    const logprobs = placed.map(({ probability }) => Math.log(Math.max(probability, 1e-12)));
    segments.push({
      id: segments.length,
      seek: heardIn?.seek ?? 0,
      start: first.start,
      end: last.end,
      text,
      tokens: own.flatMap(([, word]) => word.tokens),
      tokenLogprobs: [],
      temperature: 0,
      avgLogprob: logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length,
      compressionRatio: compressionRatio(strip(text)),
      noSpeechProb: heardIn?.noSpeechProb ?? 0,
      words,
    });
  }
  return segments;
}

/** @param speech where somebody speaks; undefined if nothing of the text was found, and what is said is then no news */
function unmatchedOf(
  { known, heard, pieces }: { known: readonly KnownWord[]; heard: readonly HeardWord[]; pieces: readonly TextPiece[] },
  found: ReadonlyMap<number, Found>,
  duration: number,
  speech: SpeechMap | undefined,
): Unmatched[] {
  const spans = speech?.spans({ padding: 0 }) ?? [];
  const isSpoken = (start: number, end: number): boolean =>
    spans.some((span) => span.start < 100 * end && 100 * start < span.end);
  const unmatched: Unmatched[] = [];
  let line = 0;
  let time = 0;
  for (const [i, piece] of pieces.entries()) {
    if ('match' in piece) {
      ({ line } = known[piece.match.known]!);
      time = piece.match.end;
      continue;
    }
    const { gap } = piece;
    const after = pieces[i + 1];
    const end = after && 'match' in after ? after.match.start : duration;
    const missing = gap.known.filter((k) => !found.has(k) && known[k]!.units.length > 0);
    const wordsOf = (words: readonly number[]): string => strip(words.map((h) => heard[h]!.word).join(''));
    const own = gap.heard.map((h) => heard[h]!);
    const [from, to] = [own[0]?.start ?? time, Math.max(own.at(-1)?.end ?? end, time)];
    const instead = missing.length === gap.known.length ? wordsOf(gap.heard) : '';
    for (const [i, words] of byLines(missing.map((k) => known[k]!)).entries()) {
      unmatched.push({
        kind: 'notSaid',
        text: strip(words.map(({ word }) => word).join('')),
        line: words[0]!.line + 1,
        ...(i === 0 && instead !== '' && { heard: instead }),
        start: from,
        end: to,
      });
    }
    const said = gap.known.length === 0 ? gap.heard : gap.surplus.length > 3 ? gap.surplus : [];
    const [first, last] = [heard[said[0] ?? -1], heard[said.at(-1) ?? -1]];
    const certainty = said.reduce((sum, h) => sum + heard[h]!.probability, 0) / said.length;
    if (first && last && certainty >= LEAST_CERTAIN && isSpoken(first.start, last.end)) {
      const text = wordsOf(said);
      unmatched.push({ kind: 'notInText', text, line: line + 1, start: first.start, end: last.end });
    }
    ({ line } = known[gap.known.at(-1) ?? -1] ?? { line });
  }
  return unmatched;
}

/** Words of one line after the other. */
function byLines(words: readonly KnownWord[]): KnownWord[][] {
  const groups: KnownWord[][] = [];
  for (const word of words) {
    const last = groups.at(-1);
    if (last?.[0]?.line === word.line) last.push(word);
    else groups.push([word]);
  }
  return groups;
}
