/** A model under a scheme, as `accuracy.ts` tries it: decodes recordings by itself, and is led along what f32 decoded. */
import { openModelFiles } from '../src/checkpoint/modelFiles.ts';
import type { AudioFeatures, DecodeGroup } from '../src/decode/inference.ts';
import type { LogitFilter } from '../src/decode/options.ts';
import { chooseDevice } from '../src/devices/choose.ts';
import { createNodePlatform } from '../src/index.node.ts';
import { createInference } from '../src/model/inference.ts';
import type { LogitRules } from '../src/rules/logitRules.ts';
import { openSound } from '../src/runtime/nodeAudio.ts';
import { compressionRatio } from '../src/text/compressionRatio.ts';
import { Tokenizer } from '../src/text/tokenizer.ts';
import { Whisper } from '../src/whisper.ts';
import { openFolder } from '../weights/fileSource.ts';
import { type Scheme, type WeightsName, weightsFor } from './accuracySchemes.ts';
import {
  addStep,
  type Divergence,
  type ForcedTokens,
  forcedLogits,
  noDivergence,
  type Step,
  stepOf,
} from './teacherForcing.ts';

/** What a model made of a recording: greedily, at temperature 0, with timestamps. */
export interface Decoded {
  readonly text: string;
  /** Of the segments, timestamps included. */
  readonly tokens: readonly number[];
  readonly language: string;
}

/** A window as f32 decoded it, in which it fed all that it chose but the last. */
interface Window extends ForcedTokens {
  /** [nMels, 3000] */
  readonly mel: Float32Array;
  readonly steps: readonly Step[];
}

/** What f32 made of a recording, in a language that it found itself. */
export interface Lead extends Decoded {
  readonly windows: readonly Window[];
}

/** openai's threshold: text that compresses better loops, and is by default decoded again at a higher temperature. */
const MOST_COMPRESSION = 2.4;

export class SchemeModel {
  readonly #whisper: Whisper;

  private constructor(whisper: Whisper) {
    this.#whisper = whisper;
  }

  /** @param folder with the model's files */
  static async open(folder: string, weights: WeightsName, scheme: Scheme, threads: number): Promise<SchemeModel> {
    const files = await openModelFiles(openFolder(folder));
    const device = await chooseDevice(createNodePlatform(), 'cpu', { threads });
    const reader = weightsFor(files, files.dims, weights, scheme);
    const inference = await createInference(device, files.dims, reader, scheme.options);
    await files.close();
    return new SchemeModel(new Whisper({ device, inference, tokenizer: new Tokenizer(files.tokenizer), openSound }));
  }

  /** Does f32's text of one of its windows repeat itself? */
  loops({ windows }: Lead): boolean {
    return windows.some(({ fed }) => compressionRatio(this.#whisper.tokenizer.decode(fed)) > MOST_COMPRESSION);
  }

  /** Decodes, and keeps of each window what others are to be led along. @param samples mono, 16 kHz */
  async lead(samples: Float32Array): Promise<Lead> {
    const windows: (Window & { fed: readonly number[]; readonly steps: Step[] })[] = [];
    const decoded = await this.#decode(samples, undefined, (mel, { initialTokens, sotIndex }, rules) => {
      windows.push({ mel: mel.slice(), initialTokens, sotIndex, rules, fed: [], steps: [] });
      return (logits, sampled) => {
        const window = windows.at(-1)!; // there is one since decoding began
        window.fed = [...sampled];
        window.steps.push(stepOf(logits.slice()));
      };
    });
    // Of language detection nothing is filtered.
    return { ...decoded, windows: windows.filter(({ steps }) => steps.length > 0) };
  }

  /** Decodes in f32's language, and is led along f32's windows of the same recording. */
  async follow(samples: Float32Array, lead: Lead): Promise<Decoded & { readonly divergence: Divergence }> {
    const { inference } = this.#whisper;
    const divergence = noDivergence();
    /** Steps of each window that were compared while it decoded by itself: as long as it chose what f32 did. */
    const compared = new Map<Window, number>(lead.windows.map((window) => [window, 0]));
    const decoded = await this.#decode(samples, lead.language, (mel, { initialTokens }) => {
      const window = lead.windows.find(
        (own) => isSame(own.initialTokens, initialTokens) && isSame(own.mel, mel) && compared.get(own) === 0,
      );
      return (logits, sampled) => {
        const at = sampled.length;
        if (!window || compared.get(window) !== at || sampled[at - 1] !== window.fed[at - 1]) return;
        const step = window.steps[at];
        if (!step) return;
        addStep(divergence, step, stepOf(logits));
        compared.set(window, at + 1);
      };
    });
    for (const [window, count] of compared) {
      if (count === window.steps.length) continue;
      const audio = await inference.encode(window.mel);
      let at = 0;
      for await (const logits of forcedLogits(inference, audio, window)) {
        if (at >= count) addStep(divergence, window.steps[at]!, stepOf(logits));
        at++;
      }
      audio.close();
    }
    return { ...decoded, divergence };
  }

  /** @param onWindow told each window that begins to decode; what it returns sees the raw logits of its steps */
  async #decode(
    samples: Float32Array,
    language: string | undefined,
    onWindow: (mel: Float32Array, group: DecodeGroup, rules: LogitRules) => LogitFilter,
  ): Promise<Decoded> {
    const { inference } = this.#whisper;
    const mels = new WeakMap<AudioFeatures, Float32Array>();
    let filter: LogitFilter | undefined;
    const encode = inference.encode.bind(inference);
    const start = inference.start.bind(inference);
    inference.encode = async (mel, ...rest) => {
      const audio = await encode(mel, ...rest);
      mels.set(audio, mel);
      return audio;
    };
    inference.start = (groups, rules, ...rest) => {
      const [group] = groups;
      const mel = group && mels.get(group.audio);
      if (mel) filter = onWindow(mel, group, rules);
      return start(groups, rules, ...rest);
    };
    try {
      const transcript = await this.#whisper.transcribe(samples, {
        temperature: 0,
        logitFilter: (logits, sampled) => filter?.(logits, sampled),
        ...(language && { language }),
      });
      const { text, segments } = transcript;
      return { text, tokens: segments.flatMap(({ tokens }) => tokens), language: transcript.language };
    } finally {
      Object.assign(inference, { encode, start });
    }
  }

  close(): Promise<void> {
    return this.#whisper.close();
  }
}

function isSame(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
