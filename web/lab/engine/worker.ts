/** The engine of the lab: sotto's kernels and devices, in a worker, so that neither references nor compilers stop the page. */
import {
  checkProgram,
  compileFork,
  createReferenceDevice,
  disassemble,
  forkModule,
  type KernelModule,
  type KernelPlace,
  kernelPlaces,
  kernels,
  type RunOptions,
  runFork,
  startTrace,
  surveyKernel,
  timeInTurn,
  traceDevice,
  variantsOf,
  wasmOf,
  wgslOf,
} from 'sotto/lab';
import { cpuBooks, openDevice, openGpu, peaksOf, sentenceOf, wasmFeatures } from './devices.ts';
import type { FromEngine, JobName, Jobs, KernelFacts, ToEngine, Told } from './messages.ts';

/** As much as is used of a worker's global scope, which the types of a page do not have. */
interface WorkerScope {
  postMessage(message: FromEngine): void;
  addEventListener(type: 'message', handler: (event: MessageEvent<ToEngine>) => void): void;
}
const scope = globalThis as unknown as WorkerScope; // this file runs in a worker

interface Tools {
  readonly signal: AbortSignal;
  tell(told: Told): void;
}

type Handlers = { readonly [K in JobName]: (given: Jobs[K][0], tools: Tools) => Promise<Jobs[K][1]> };

const onLost = (reason: string): void => scope.postMessage({ kind: 'lost', reason });
const running = new Map<number, AbortController>();
/** Jobs that run kernels, one after another. */
let turn: Promise<unknown> = Promise.resolve();

const handlers: Handlers = {
  async open() {
    const facts = kernels.map(factsOf);
    try {
      const { description, isSoftware } = await openGpu(onLost);
      return { kernels: facts, gpu: { description, isSoftware }, refusal: undefined };
    } catch (error) {
      return { kernels: facts, gpu: undefined, refusal: sentenceOf(error) };
    }
  },
  places: async (kernel) => kernelPlaces(await openGpu(onLost), moduleOf(kernel)),
  code: async ({ kernel, ...place }) => wgslOf(await openGpu(onLost), moduleOf(kernel), place),
  compile: async (fork) => compileFork(await openGpu(onLost), moduleOf(fork.kernel), fork),
  run: ({ fork, time }, tools) =>
    inTurn(tools, async () => {
      const device = await openGpu(onLost);
      const peaks = time ? await measured(device, tools) : undefined;
      return runFork(device, moduleOf(fork.kernel), fork, { ...telling(tools), peaks });
    }),
  compare: ({ forks, at }, tools) =>
    inTurn(tools, async () => {
      const device = await openGpu(onLost);
      tools.tell({ kind: 'stage', text: 'timing in turn' });
      const versions = [];
      for (const fork of forks) {
        const module = await forkModule(device, moduleOf(fork.kernel), fork);
        versions.push({ module, caseIndex: at.caseIndex, choice: { variant: fork.variant, storage: at.storage } });
      }
      return timeInTurn(device, versions, { signal: tools.signal });
    }),
  survey: ({ kernel, device: kind, time }, tools) =>
    inTurn(tools, async () => {
      const device = await openDevice(kind, onLost);
      const peaks = time ? await measured(device, tools) : undefined;
      return surveyKernel(device, moduleOf(kernel), { ...telling(tools), peaks });
    }),
  program: ({ program, device: kind, fork }, tools) =>
    inTurn(tools, async () => {
      const device = await openDevice(kind, onLost);
      const { panelWidth, crossPanelWidth } = device;
      return checkProgram(device, createReferenceDevice({ panelWidth, crossPanelWidth }), {
        program,
        edited: fork && [await forkModule(device, moduleOf(fork.kernel), fork)],
        signal: tools.signal,
        onStart: (name, kernel) => tools.tell({ kind: 'stage', text: `${name}, ${kernel}` }),
        onCommand: (check) => tools.tell({ kind: 'command', check }),
      });
    }),
  trace: (fork, tools) =>
    inTurn(tools, async () => {
      const device = await openGpu(onLost);
      const peaks = await measured(device, tools);
      const trace = startTrace();
      await runFork(traceDevice(device, trace), moduleOf(fork.kernel), fork, { ...telling(tools), peaks });
      return trace.json();
    }),
  async wat({ kernel, ...place }) {
    const module = moduleOf(kernel);
    const made = await wasmOf(cpuBooks, module, { ...place, features: wasmFeatures });
    const variants = await wasmVariants(module, place);
    return { variant: made.variant, variants, text: disassemble(made.bytes, made) };
  },
};

scope.addEventListener('message', ({ data }) => {
  if (data.kind === 'abort') running.get(data.id)?.abort(new DOMException('no longer wanted', 'AbortError'));
  else void answer(data.id, data.name, data.given);
});

async function answer<K extends JobName>(id: number, name: K, given: unknown): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  running.set(id, controller);
  const tell = (told: Told): void => scope.postMessage({ kind: 'told', id, told });
  try {
    const back = await handlers[name](given as Jobs[K][0], { signal, tell }); // the page asks by the same types
    scope.postMessage({ kind: 'done', id, back });
  } catch (error) {
    scope.postMessage({ kind: 'failed', id, failure: { message: sentenceOf(error), isAborted: signal.aborted } });
  } finally {
    running.delete(id);
  }
}

function inTurn<T>({ signal }: Tools, work: () => Promise<T>): Promise<T> {
  const mine = turn.then(() => {
    signal.throwIfAborted();
    return work();
  });
  turn = mine.catch(() => {});
  return mine;
}

async function measured(device: Parameters<typeof peaksOf>[0], { tell }: Tools): ReturnType<typeof peaksOf> {
  tell({ kind: 'stage', text: 'measuring what the device can do at most' });
  const peaks = await peaksOf(device);
  tell({ kind: 'peaks', peaks });
  return peaks;
}

function telling({ tell, signal }: Tools): RunOptions {
  return {
    signal,
    onStart: ({ title, variant }, done, total) => tell({ kind: 'start', title: `${variant}, ${title}`, done, total }),
    onCase: (result, done, total) => tell({ kind: 'case', result, done, total }),
    onTiming: (timing) => tell({ kind: 'timing', timing }),
  };
}

function moduleOf(name: string): KernelModule {
  const found = kernels.find(({ kernel }) => kernel.name === name);
  if (!found) throw new Error(`There is no kernel ${name}.`);
  return found;
}

function factsOf({ kernel }: KernelModule): KernelFacts {
  const args = Object.entries(kernel.args).map(([name, { access, dtype, dims, optional }]) => {
    const types = typeof dtype === 'string' ? dtype : dtype.join('|');
    return `${name}: ${access} ${types} [${dims.join(', ')}]${optional ? ', optional' : ''}`;
  });
  return { name: kernel.name, args };
}

async function wasmVariants(
  module: KernelModule,
  { caseIndex, storage }: Pick<KernelPlace, 'caseIndex' | 'storage'>,
): Promise<readonly string[]> {
  return variantsOf(await openDevice('cpu', onLost), module, module.cases[caseIndex]!, storage);
}
