/** SILK's excitation and synthesis by WebAssembly, and by plain JavaScript where that does not run. */
import { ModuleBuilder } from '../../../engine/wasm/module.ts';
import { BLOCK_SIZE } from './silkExcitation.ts';
import { emptyFrame } from './silkFrame.ts';
import { AT, CHANNEL_BASES, LENGTHS, SHARED, writeTables } from './silkLayout.ts';
import { EXCITATION_RATE, QUANTIZATION_OFFSET } from './silkPulseTables.ts';
import { PlainSynthesis, SILK_HISTORY, type SilkSynthesis } from './silkSynthesis.ts';
import { UNIFORM_4 } from './silkTables.ts';
import { EXCITATION_ARGUMENTS, emitExcitation } from './wasmExcitation.ts';
import { emitRun, RUN_ARGUMENTS } from './wasmSynthesis.ts';

/** What was compiled so far. */
const known: { module?: WebAssembly.Module } = {};

/** Compiles what runs here, for all streams from now on: nothing where there is no SIMD or compiling is forbidden. */
export async function prepareSilk(): Promise<void> {
  try {
    known.module ??= await WebAssembly.compile(moduleBytes());
  } catch {
    // Not here: JavaScript does it.
  }
}

/** Both channels of a stream, mid and side: by WebAssembly where that is prepared and has room. */
export function silkSyntheses(): readonly [mid: SilkSynthesis, side: SilkSynthesis] {
  const { module } = known;
  if (!module) return [new PlainSynthesis(), new PlainSynthesis()];
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    writeTables(memory.buffer);
    const functions = exports as unknown as Functions; // moduleBytes
    const [mid, side] = CHANNEL_BASES;
    return [wasmSynthesis(memory.buffer, mid, functions), wasmSynthesis(memory.buffer, side, functions)];
  } catch {
    // An engine sets aside gigabytes of addresses for each memory, and some limit what a page's main thread may start.
    return [new PlainSynthesis(), new PlainSynthesis()];
  }
}

/** Of numbers, in the order of their names in wasmExcitation.ts and wasmSynthesis.ts. */
interface Functions {
  readonly excitation: (...args: Seven) => void;
  /** By order. */
  readonly run10: (...args: Six) => void;
  readonly run16: (...args: Six) => void;
}
type Six = readonly [number, number, number, number, number, number];
type Seven = readonly [...Six, number];

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared: false, maximumPages: 1 });
  const excitation = module.function('excitation', EXCITATION_ARGUMENTS);
  emitExcitation(excitation);
  module.export('excitation', excitation);
  for (const order of [10, 16] as const) {
    const run = module.function(`run${order}`, RUN_ARGUMENTS);
    emitRun(run, order);
    module.export(`run${order}`, run);
  }
  return module.bytes();
}

function wasmSynthesis(buffer: ArrayBuffer, base: number, { excitation, run10, run16 }: Functions): SilkSynthesis {
  const floats = (place: keyof typeof LENGTHS, from = 0): Float32Array =>
    new Float32Array(buffer, base + AT[place] + 4 * from, LENGTHS[place] - from);
  const frame = emptyFrame({
    excitation: floats('residual', SILK_HISTORY),
    gains: floats('gains'),
    lpc: floats('lpc'),
    lpcBefore: floats('lpcBefore'),
    lags: new Int32Array(buffer, base + AT.lags, LENGTHS.lags),
    taps: floats('taps'),
  });
  const output = floats('output');
  const unlimited = floats('unlimited');
  const state = new Uint32Array(buffer, SHARED.range, 3);
  const bytes = new Uint8Array(buffer, SHARED.bytes, SHARED.nPulses - SHARED.bytes);
  return {
    frame,
    output,
    readExcitation(range, signal, hasOffset) {
      const voiced = signal === 2 ? 1 : 0;
      const seed = range.symbol(UNIFORM_4);
      const rate = range.symbol(EXCITATION_RATE[voiced]);
      const nBlocks = Math.ceil(frame.nSamples / BLOCK_SIZE);
      state.set(range.state);
      bytes.set(range.bytes);
      const offset = QUANTIZATION_OFFSET[voiced][hasOffset];
      excitation(base, range.bytes.length, nBlocks, seed, rate, 2 * signal + hasOffset, offset);
      range.state.set(state);
    },
    reset() {
      output.fill(0);
      unlimited.fill(0);
    },
    run() {
      const { order, nSamples, nSubframes, isVoiced, isInterpolated, longTermScale } = frame;
      const run = order === 16 ? run16 : run10;
      const subframeBytes = (4 * nSamples) / nSubframes;
      run(base, nSubframes, subframeBytes, isVoiced ? 1 : 0, isInterpolated ? 1 : 0, longTermScale);
    },
  };
}
