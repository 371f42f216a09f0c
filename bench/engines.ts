/**
 * sotto and what it is measured against, behind one face. transformers.js comes from this folder's own package.json
 * (`npm ci --prefix bench --ignore-scripts`), its fp32 files from the weights that sotto has too.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type LoadOptions, load } from '../src/index.node.ts';
import { repoRoot } from '../test/support/paths.ts';

/** Transcribes one recording: English, greedy, timestamps. */
export interface Engine {
  readonly description: string;
  /** @param samples mono, 16 kHz; [nSamples] */
  transcribe(samples: Float32Array): Promise<string>;
}

export interface EngineOptions {
  readonly model: string;
  readonly threads: number;
  readonly device: 'cpu' | 'webgpu';
  /** `f32`, `f16`, `int8`, `auto`, for sotto; its default when absent. */
  readonly dtype: string | undefined;
  /** Holds `Xenova/whisper-tiny/onnx/encoder_model.onnx` and so on. */
  readonly peerModels: string;
}

export async function openSotto({ model, threads, device, dtype }: EngineOptions): Promise<Engine> {
  // Checked by `load`.
  const whisper = await load(model, { device, threads, dtype: dtype as LoadOptions['dtype'] });
  return {
    description: whisper.device.description,
    transcribe: async (samples) => (await whisper.transcribe(samples, { language: 'en', temperature: 0 })).text,
  };
}

/** The part of transformers.js that is used here. */
interface Transformers {
  readonly env: { version: string; allowRemoteModels: boolean; localModelPath: string };
  pipeline(task: string, model: string, options: object): Promise<Recogniser>;
}
type Recogniser = (samples: Float32Array, options: object) => Promise<{ readonly text: string }>;

export async function openTransformers({ model, threads, device, peerModels }: EngineOptions): Promise<Engine> {
  const file = join(repoRoot, 'bench/node_modules/@huggingface/transformers/dist/transformers.node.mjs');
  if (!existsSync(file)) throw new Error('transformers.js is not here: npm ci --prefix bench --ignore-scripts');
  // Not resolved by the compiler: the project builds without this folder's packages.
  const { env, pipeline } = (await import(pathToFileURL(file).href)) as Transformers;
  env.allowRemoteModels = false;
  env.localModelPath = join(peerModels, '/');
  const recognise = await pipeline('automatic-speech-recognition', `Xenova/whisper-${model}`, {
    dtype: 'fp32',
    device,
    session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
  });
  const options = { language: 'english', task: 'transcribe', return_timestamps: true };
  return {
    description: `transformers.js ${env.version}, onnxruntime-node, ${device}, fp32`,
    async transcribe(samples) {
      // Without chunks it drops what is behind the first 30 s.
      const chunks = samples.length > 30 * 16000 ? { chunk_length_s: 30, stride_length_s: 5 } : {};
      return (await recognise(samples, { ...options, ...chunks })).text;
    },
  };
}
