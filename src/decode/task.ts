/**
 * Decodes windows: from encoded sound, prompt and options to tokens, text and scores.
 *
 * @see openai/whisper, whisper/decoding.py: DecodingTask
 */
import { OptionsError } from '../base/errors.ts';
import { strip } from '../base/python.ts';
import type { LogitRules } from '../rules/logitRules.ts';
import { compressionRatio } from '../text/compressionRatio.ts';
import { languageCode } from '../text/languages.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { AudioFeatures, DecodeGroup, Decoding, Inference } from './inference.ts';
import { detectLanguage, type LanguageDetection } from './languageDetect.ts';
import {
  checkDecodingOptions,
  type DecodingOptions,
  MAX_ROWS,
  maxCandidates,
  type ResolvedDecodingOptions,
  resolveDecodingOptions,
} from './options.ts';
import { logitRules } from './rules.ts';
import type { BeamStep } from './search/beamSearch.ts';
import { bestHypothesis } from './search/ranker.ts';
import { type Hypothesis, hypothesesOf, type Search, type SearchGroup } from './search/search.ts';

/** One window to decode. */
export interface WindowInput {
  readonly audio: AudioFeatures;
  /** Code of its language; the options' language if undefined. */
  readonly language?: string | undefined;
  /** What was said before; the options' prompt if undefined. */
  readonly prompt?: string | readonly number[] | undefined;
  /** Number of its stream of random draws: windows draw independently; 0 if undefined. */
  readonly stream?: number | undefined;
  /**
   * Ticks of 0.02 s up to which there is certainly speech: with timestamps, the text does not end with a pair of earlier
   * ones, as it does where the model leaves the last words to the next window.
   */
  readonly speechUntil?: number | undefined;
}

export interface DecodingResult {
  /** Code of the language. */
  readonly language: string;
  /** Present when the language was detected. */
  readonly detection?: LanguageDetection | undefined;
  /** Sampled tokens with timestamps, without `eot`. */
  readonly tokens: readonly number[];
  /** log-probability of each token, after the rules and before the temperature. */
  readonly tokenLogprobs: readonly number[];
  /** Their text without timestamps, stripped. */
  readonly text: string;
  /** Mean log-probability of the tokens, `eot` counted as one more. */
  readonly avgLogprob: number;
  readonly noSpeechProb: number;
  readonly temperature: number;
  /** UTF-8 bytes of the text over their compressed size: above 2.4 it repeats itself. */
  readonly compressionRatio: number;
}

/** Looks on while windows are decoded, which then goes step by step, with the same result. */
export interface DecodingObserver {
  /**
   * Groups are about to be decoded.
   *
   * @param decoding after the filters of logits, before the rules
   * @returns what is decoded with in its place
   */
  watch(decoding: Decoding, groups: readonly DecodeGroup[], rules: LogitRules): Decoding;
  onBeamStep(step: BeamStep): void;
  /** They are decoded. */
  onResults(results: readonly DecodingResult[]): void;
}

export class DecodingTask {
  readonly #inference: Inference;
  readonly #tokenizer: Tokenizer;
  readonly #options: ResolvedDecodingOptions;
  readonly #language: string | undefined;
  readonly #rules: LogitRules;
  readonly #isFiltered: boolean;
  readonly #isGreedy: boolean;
  /** A page loads those that it asks for. */
  readonly #search: () => Promise<Search>;
  readonly #rows: number;
  /** Candidates that a search with beams wants; undefined without beams. */
  readonly #wanted: number | undefined;
  readonly #observer: DecodingObserver | undefined;
  readonly #sampleLen: number;

  /** @throws {OptionsError} for options that are out of range or contradict each other */
  constructor(inference: Inference, tokenizer: Tokenizer, given: DecodingOptions = {}, observer?: DecodingObserver) {
    checkDecodingOptions(given);
    const options = resolveDecodingOptions(given);
    const { temperature, beamSize, patience, bestOf = 1, seed } = options;
    this.#inference = inference;
    this.#tokenizer = tokenizer;
    this.#options = options;
    this.#observer = observer;
    if (!tokenizer.isMultilingual) this.#language = englishOnly(options);
    else this.#language = options.language === undefined ? undefined : languageCode(options.language);
    this.#rules = logitRules(tokenizer, options);
    this.#isFiltered = options.repetitionPenalty !== 1 || options.noRepeatNgramSize > 0 || !!options.logitFilter;
    this.#sampleLen = options.sampleLen ?? inference.nTextCtx >> 1;
    this.#isGreedy = beamSize === undefined && temperature === 0;
    const { eot } = tokenizer;
    if (beamSize !== undefined) {
      this.#rows = beamSize;
      const onStep = observer && ((step: BeamStep) => observer.onBeamStep(step));
      const wanted = maxCandidates(beamSize, patience);
      this.#wanted = wanted;
      const search = { beamSize, wanted, eot, onStep };
      this.#search = async () => (await import('./search/beamSearch.ts')).beamSearch(search);
    } else if (temperature > 0) {
      this.#rows = bestOf;
      const { nVocab } = inference;
      this.#search = async () =>
        (await import('./search/sampling.ts')).samplingSearch(nVocab, this.#rules, { temperature, seed });
    } else {
      this.#rows = 1;
      this.#search = async () => (await import('./search/greedy.ts')).greedySearch(eot);
    }
  }

  /**
   * Decodes windows together, each on its own.
   *
   * @throws {NumericError} `nonFinite` if the model's logits are
   * @throws {OptionsError} `promptTooLong` if prompt and prefix leave no room
   */
  async run(windows: readonly WindowInput[], signal?: AbortSignal): Promise<DecodingResult[]> {
    const languages: Pick<DecodingResult, 'language' | 'detection'>[] = [];
    const groups: DecodeGroup[] = [];
    for (const { audio, language: given = this.#language, prompt = this.#options.prompt, speechUntil = 0 } of windows) {
      const detection = given === undefined ? await this.#detect(audio, signal) : undefined;
      const language = given ?? detection?.language ?? 'en';
      languages.push({ language, detection });
      const noEndBefore = speechUntil > 0 ? this.#tokenizer.timestampBegin + speechUntil : 0;
      groups.push({ audio, ...this.#initialTokens(language, prompt), rows: this.#rows, noEndBefore });
    }
    const searchGroups = groups.map(({ rows, initialTokens, noEndBefore = 0 }, g) => ({
      rows,
      noEndBefore,
      // Sampling also ends once the row is longer than the context.
      limit: Math.min(this.#sampleLen, this.#inference.nTextCtx + 1 - initialTokens.length),
      stream: windows[g]!.stream ?? 0,
    }));
    const candidates: (readonly Hypothesis[])[] = [];
    const noSpeechProb: number[] = [];
    // As many at once as have room with all of their rows.
    const { maxRows = MAX_ROWS } = this.#inference;
    const most = Math.max(1, Math.floor(maxRows / this.#rows));
    for (let begin = 0; begin < groups.length; begin += most) {
      const end = begin + most;
      const part = await this.#decode(groups.slice(begin, end), searchGroups.slice(begin, end), signal);
      candidates.push(...part.candidates);
      noSpeechProb.push(...part.noSpeechProb);
    }
    const results = candidates.map((hypotheses, g): DecodingResult => {
      const { tokens, logprobs, sumLogprob } = hypotheses[bestHypothesis(hypotheses, this.#options.lengthPenalty)]!;
      const text = strip(this.#tokenizer.decode(tokens));
      return {
        ...languages[g]!,
        tokens,
        tokenLogprobs: logprobs,
        text,
        avgLogprob: sumLogprob / (tokens.length + 1),
        noSpeechProb: noSpeechProb[g]!,
        temperature: this.#options.temperature,
        compressionRatio: compressionRatio(text),
      };
    });
    this.#observer?.onResults(results);
    return results;
  }

  /** On the device to the end where nobody looks on or has a say in it, else step by step. */
  async #decode(
    groups: readonly DecodeGroup[],
    searchGroups: readonly SearchGroup[],
    signal: AbortSignal | undefined,
  ): Promise<{ candidates: readonly (readonly Hypothesis[])[]; noSpeechProb: Float32Array }> {
    const [first] = searchGroups;
    const isPlain = !this.#isFiltered && !this.#observer;
    if (isPlain && first && searchGroups.every(({ limit }) => limit === first.limit)) {
      const { limit, rows } = first;
      if (this.#isGreedy) {
        const { sequences, noSpeechProb } = await this.#inference.greedy(groups, this.#rules, limit, signal);
        return { candidates: hypothesesOf(searchGroups, sequences, this.#rules.eot), noSpeechProb };
      }
      const end = this.#wanted === undefined ? undefined : { wanted: this.#wanted, limit };
      const found = end && (await this.#inference.beams?.(groups, this.#rules, end, signal));
      if (found) {
        const { topUp } = await import('./search/beamSearch.ts');
        const candidates = found.groups.map(({ ended, running }) => topUp(ended, running, rows));
        return { candidates, noSpeechProb: found.noSpeechProb };
      }
    }
    const search = await this.#search();
    const filters = this.#isFiltered ? await import('./logitFilter.ts') : undefined;
    const started = await this.#inference.start(groups, this.#rules, signal);
    const filter = filters?.logitFilter(this.#options, this.#rules.eot);
    const filtered = filter
      ? new filters!.FilteredDecoding(started, groups, this.#inference.nVocab, this.#rules, filter)
      : started;
    const decoding = this.#observer?.watch(filtered, groups, this.#rules) ?? filtered;
    try {
      return { candidates: await search(decoding, searchGroups, signal), noSpeechProb: decoding.noSpeechProb };
    } finally {
      decoding.close();
    }
  }

  #detect(audio: AudioFeatures, signal?: AbortSignal): Promise<LanguageDetection> {
    return detectLanguage(this.#inference, this.#tokenizer, audio, signal);
  }

  /** `[sotPrev, ...prompt]? sot, language, task, notimestamps?, ...prefix` */
  #initialTokens(language: string, prompt: string | readonly number[] | undefined) {
    const { nTextCtx } = this.#inference;
    const { withoutTimestamps, task, prefix } = this.#options;
    const half = nTextCtx >> 1;
    const said = this.#encode(prompt);
    const before = said.length > 0 ? [this.#tokenizer.sotPrev, ...said.slice(-(half - 1))] : [];
    const initialTokens = [
      ...before,
      ...this.#tokenizer.sotSequence(language, task),
      ...(withoutTimestamps ? [this.#tokenizer.noTimestamps] : []),
      // Python's [-max:], quirk included: with the default sampleLen it is [-0:], which is all of it.
      ...this.#encode(prefix).slice(-(half - this.#sampleLen)),
    ];
    if (initialTokens.length >= nTextCtx) {
      throw new OptionsError('promptTooLong', `Prompt and prefix take ${initialTokens.length} of ${nTextCtx} tokens.`, {
        hint: 'Shorten the prefix.',
      });
    }
    return { initialTokens, sotIndex: before.length };
  }

  #encode(given: string | readonly number[] | undefined): readonly number[] {
    if (given === undefined || given === '') return [];
    if (typeof given === 'string') return this.#tokenizer.encode(` ${strip(given)}`);
    for (const id of given) {
      if (id >= this.#tokenizer.nVocab)
        throw new OptionsError('range', `The prompt's token ${id} is none of this model.`);
    }
    return given;
  }
}

function englishOnly({ language, task }: ResolvedDecodingOptions): string {
  if (task === 'translate') {
    throw new OptionsError('task', 'This model is English-only: it cannot translate.', {
      hint: 'Take one without ".en".',
    });
  }
  if (language !== undefined && languageCode(language) !== 'en') {
    throw new OptionsError('language', `This model is English-only: it does not know "${language}".`, {
      hint: 'Take one without ".en", or leave the language out.',
    });
  }
  return 'en';
}
