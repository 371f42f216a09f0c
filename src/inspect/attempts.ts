/** Looks on while a window is decoded, once for each temperature that is tried. */
import type { DecodeGroup, Decoding } from '../decode/inference.ts';
import type { BeamStep } from '../decode/search/beamSearch.ts';
import type { DecodingObserver, DecodingResult } from '../decode/task.ts';
import type { LogitRules } from '../rules/logitRules.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { BeamTreeBuilder } from './beamTree.ts';
import type { InspectedAttempt, InspectedStep, InspectedToken } from './inspection.ts';
import { ObservedDecoding } from './observedDecoding.ts';

interface Running {
  readonly decoding: ObservedDecoding;
  readonly group: DecodeGroup;
  readonly beams: BeamTreeBuilder;
}

/** Of one window at a time. */
export class AttemptRecorder implements DecodingObserver {
  readonly attempts: InspectedAttempt[] = [];
  readonly #tokenizer: Tokenizer;
  readonly #wanted: number;
  #running: Running | undefined;

  /** @param wanted as `StepNumbers` has it */
  constructor(tokenizer: Tokenizer, wanted: number) {
    this.#tokenizer = tokenizer;
    this.#wanted = wanted;
  }

  watch(inner: Decoding, groups: readonly DecodeGroup[], rules: LogitRules): Decoding {
    const [group] = groups;
    if (!group) return inner;
    const decoding = new ObservedDecoding(inner, group, rules, this.#wanted);
    this.#running = { decoding, group, beams: new BeamTreeBuilder() };
    return decoding;
  }

  onBeamStep(step: BeamStep): void {
    this.#running?.beams.add(step);
  }

  onResults([result]: readonly DecodingResult[]): void {
    if (!result || !this.#running) return;
    const { group, beams } = this.#running;
    const { temperature, text, avgLogprob, compressionRatio, noSpeechProb, tokens } = result;
    const tree = beams.tree(tokens, this.#tokenizer.eot, (token) => this.#token(token).text);
    this.attempts.push({
      temperature,
      initial: group.initialTokens.map((token) => this.#token(token)),
      text,
      avgLogprob,
      compressionRatio,
      noSpeechProb,
      steps: this.#steps(tokens, this.#running.decoding),
      ...(tree && { beams: tree }),
    });
  }

  #steps(tokens: readonly number[], decoding: ObservedDecoding): InspectedStep[] {
    return [...tokens, this.#tokenizer.eot].flatMap((token, i) => {
      const isEnd = i === tokens.length;
      const step = decoding.step(tokens.slice(0, i), token);
      // A text that was cut off at its greatest length has no end.
      if (!step) return [];
      const candidates = step.candidates.map((one) => ({
        ...this.#token(one.token),
        ...one,
        isChosen: one.token === token,
      }));
      const chosen = candidates.find(({ isChosen }) => isChosen);
      if (isEnd && !chosen?.probability) return [];
      return [
        {
          ...this.#token(token),
          logprob: Math.log(chosen?.probability ?? 0),
          candidates,
          rest: step.rest,
          struck: step.struck,
        },
      ];
    });
  }

  #token(token: number): InspectedToken {
    return { token, text: tokenText(this.#tokenizer, token) };
  }
}

/** Of a token by itself; special ones give their names. */
export function tokenText(tokenizer: Tokenizer, token: number): string {
  return tokenizer.decodeWithTimestamps([token]);
}
