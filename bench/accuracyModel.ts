/** A model under a scheme, as `accuracy.ts` tries it: decodes recordings by itself, and is led along what f32 decoded. */
import { openModelFiles } from '../src/checkpoint/modelFiles.ts';
import type { AudioFeatures } from '../src/decode/inference.ts';
import { chooseDevice } from '../src/devices/choose.ts';
import { createNodePlatform } from '../src/index.node.ts';
import { createInference } from '../src/model/inference.ts';
import { openSound } from '../src/runtime/nodeAudio.ts';
import { compressionRatio } from '../src/text/compressionRatio.ts';
import { Tokenizer } from '../src/text/tokenizer.ts';
import { Whisper } from '../src/whisper.ts';
import { openFolder } from '../weights/fileSource.ts';
import { type Scheme, type WeightsName, weightsFor } from './accuracySchemes.ts';
import { addStep, type Divergence, type ForcedTokens, forcedLogits, noDivergence } from './teacherForcing.ts';

/** What a model made of a recording: greedily, at temperature 0, with timestamps. */
export interface Decoded {
  readonly text: string;
  /** Of the segments, timestamps included. */
  readonly tokens: readonly number[];
}

/** A window as f32 decoded it. */
interface Window extends ForcedTokens {
  /** [nMels, 3000] */
  readonly mel: Float32Array;
  /** f32's for each of the sampled tokens, [nVocab]; none where the window loops. */
  readonly logits: readonly Float32Array[];
  readonly loops: boolean;
}

/** What f32 made of a recording, in a language that it found itself. */
export interface Lead extends Decoded {
  readonly language: string;
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

  async #decode(samples: Float32Array, language?: string): Promise<Decoded & { readonly language: string }> {
    const transcript = await this.#whisper.transcribe(samples, { temperature: 0, ...(language && { language }) });
    const { text, segments } = transcript;
    return { text, tokens: segments.flatMap(({ tokens }) => tokens), language: transcript.language };
  }

  /** Decodes, and keeps of each window what others are to be led along. @param samples mono, 16 kHz */
  async lead(samples: Float32Array): Promise<Lead> {
    const { inference, tokenizer } = this.#whisper;
    const windows: Window[] = [];
    const mels = new WeakMap<AudioFeatures, Float32Array>();
    const encode = inference.encode.bind(inference);
    const greedy = inference.greedy.bind(inference);
    inference.encode = async (mel, ...rest) => {
      const audio = await encode(mel, ...rest);
      mels.set(audio, mel.slice());
      return audio;
    };
    inference.greedy = async (groups, rules, ...rest) => {
      const result = await greedy(groups, rules, ...rest);
      const { audio, initialTokens, sotIndex } = groups[0]!;
      const sampled = result.sequences[0]!.tokens;
      const loops = compressionRatio(tokenizer.decode(sampled)) > MOST_COMPRESSION;
      const forced = { initialTokens, sotIndex, rules, sampled };
      const logits: Float32Array[] = [];
      if (!loops) for await (const row of forcedLogits(inference, audio, forced)) logits.push(row);
      windows.push({ ...forced, mel: mels.get(audio)!, logits, loops });
      return result;
    };
    try {
      return { ...(await this.#decode(samples)), windows };
    } finally {
      Object.assign(inference, { encode, greedy });
    }
  }

  /** Decodes in f32's language, and is led along f32's windows of the same recording. */
  async follow(
    samples: Float32Array,
    { windows, language }: Lead,
  ): Promise<Decoded & { readonly divergence: Divergence }> {
    const { inference } = this.#whisper;
    const divergence = noDivergence();
    const left = new Set(windows.filter(({ loops }) => !loops));
    const compare = async (audio: AudioFeatures, window: Window): Promise<void> => {
      left.delete(window);
      let step = 0;
      for await (const row of forcedLogits(inference, audio, window)) addStep(divergence, window.logits[step++]!, row);
    };
    const encode = inference.encode.bind(inference);
    // Most windows are those of f32, and are then encoded once for both.
    inference.encode = async (mel, ...rest) => {
      const audio = await encode(mel, ...rest);
      const window = [...left].find((other) => isSame(other.mel, mel));
      if (window) await compare(audio, window);
      return audio;
    };
    let decoded: Decoded;
    try {
      decoded = await this.#decode(samples, language);
    } finally {
      inference.encode = encode;
    }
    for (const window of left) {
      const audio = await encode(window.mel);
      await compare(audio, window);
      audio.close();
    }
    return { ...decoded, divergence };
  }

  close(): Promise<void> {
    return this.#whisper.close();
  }
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, i) => value === b[i]);
}
