/** What the page of `webPeers.ts` runs: one engine, which loads and transcribes the same samples several times. */

export interface WebOrder {
  readonly engine: 'sotto' | 'transformers';
  /** sotto: address of a folder; transformers.js: the model's name below /peer/. */
  readonly model: string;
  /** In the engine's own words. */
  readonly dtype: string;
  readonly threads: number;
  /** Transcriptions, the first among them. */
  readonly runs: number;
}

export interface WebResult {
  readonly description: string;
  readonly loadMs: number;
  /** In order. */
  readonly runMs: readonly number[];
  readonly text: string;
}

/** The part of transformers.js that is used here. */
interface Transformers {
  readonly env: {
    version: string;
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    readonly backends: { readonly onnx: { readonly wasm: { wasmPaths: string; numThreads: number } } };
  };
  pipeline(task: string, model: string, options: object): Promise<Recogniser>;
}
type Recogniser = (samples: Float32Array, options: object) => Promise<{ readonly text: string }>;

interface Engine {
  readonly description: string;
  transcribe(samples: Float32Array): Promise<string>;
}

/** Each engine's code is fetched only when it is asked for. */
async function openSotto({ model, threads, dtype }: WebOrder): Promise<Engine> {
  const { load } = await import('../src/index.web.ts');
  const whisper = await load(model, { device: 'cpu', threads, dtype: dtype === 'int8' ? 'int8' : 'f32' });
  return {
    description: `sotto, ${whisper.device.description}, ${dtype}`,
    transcribe: async (samples) => (await whisper.transcribe(samples, { language: 'en', temperature: 0 })).text,
  };
}

async function openTransformers({ model, threads, dtype }: WebOrder): Promise<Engine> {
  // Served as it is installed; not resolved by the compiler.
  const address = '/transformers/transformers.min.js';
  const { env, pipeline } = (await import(address)) as Transformers;
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = '/peer/';
  env.backends.onnx.wasm.wasmPaths = new URL('/ort/', location.href).href;
  env.backends.onnx.wasm.numThreads = threads;
  const recognise = await pipeline('automatic-speech-recognition', model, { dtype, device: 'wasm' });
  const options = { language: 'english', task: 'transcribe', return_timestamps: true };
  return {
    description: `transformers.js ${env.version}, onnxruntime-web (wasm), ${dtype}`,
    transcribe: async (samples) => (await recognise(samples, options)).text,
  };
}

async function run(order: WebOrder): Promise<WebResult> {
  const samples = new Float32Array(await (await fetch('/samples')).arrayBuffer());
  const began = performance.now();
  const engine = await (order.engine === 'sotto' ? openSotto(order) : openTransformers(order));
  const loadMs = performance.now() - began;
  const runMs: number[] = [];
  let text = '';
  for (let i = 0; i < order.runs; i++) {
    const start = performance.now();
    text = await engine.transcribe(samples);
    runMs.push(performance.now() - start);
  }
  return { description: engine.description, loadMs, runMs, text: text.trim() };
}

Object.assign(globalThis, { run });
