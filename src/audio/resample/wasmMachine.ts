/**
 * The filters of one channel in WebAssembly: several times as fast as plain JavaScript, in which each f32 sum is rounded by an
 * instruction of its own. A memory holds one filter's sizes, its bank, the samples and what comes of them.
 *
 * The results are those of dotF32.ts and dotS16.ts: the fused multiply-add that is emulated there, and integers modulo 2^32.
 */
import type { Local } from '../../engine/wasm/expression.ts';
import { first, sumOfIntegers } from '../../engine/wasm/math.ts';
import { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { f32x4, i16x8, i32x4, v128 } from '../../engine/wasm/simd.ts';
import { fixedBank } from './dotS16.ts';
import type { ResampleFilter } from './filter.ts';
import { type FastMachines, type FilterMachine, outputsOf, type Samples } from './filterMachine.ts';
import { STATE_BYTES, type WasmArithmetic, WORDS, type Word } from './wasmArithmetic.ts';
import { F32 } from './wasmF32.ts';

type Compile = (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module | Promise<WebAssembly.Module>;

/** What was compiled so far. */
const known: { s16?: WebAssembly.Module; f32?: WebAssembly.Module } = {};

/**
 * Compiles what runs here, for all recordings from now on: nothing where there is no SIMD or compiling is forbidden, and f32's
 * only where multiply-adds are fused.
 *
 * @param compile the platform's, where that can more than plain WebAssembly (Node 20 has relaxed SIMD behind a flag)
 */
export async function prepareFastMachines(
  compile: Compile = (bytes) => new WebAssembly.Module(bytes),
): Promise<FastMachines> {
  if (typeof WebAssembly !== 'object') return {};
  try {
    known.s16 ??= await compile(moduleOf(S16));
    if (!known.f32 && isFused(await compile(fusedProbe()))) known.f32 = await compile(moduleOf(F32));
  } catch {
    // Not here: JavaScript does it.
  }
  return fastMachines();
}

/** Those that are prepared. */
export function fastMachines(): FastMachines {
  const { s16, f32: floats } = known;
  return {
    // Between two filters JavaScript divides in f64.
    s16: s16 && ((filter, capacity) => (filter.stepMod === 0 ? machine(S16, s16, filter, capacity) : undefined)),
    f32: floats && ((filter, capacity) => machine(F32, floats, filter, capacity)),
  };
}

const S16: WasmArithmetic<Int16Array<ArrayBuffer>> = {
  elementBytes: 2,
  view: (buffer, byteOffset, length) => new Int16Array(buffer, byteOffset, length),
  given: (length) => new Int16Array(length),
  bank: fixedBank,
  emit(f, { x, row, blocks, to }) {
    const sum = f.local('v128');
    f.set(sum, f.splatInt(0));
    const [p, q] = [f.let(x), f.let(row)];
    f.repeat(blocks, () => {
      f.set(sum, i32x4.add(sum, i32x4.dot_i16x8_s(v128.load(p), v128.load(q))));
      for (const pointer of [p, q]) f.increase(pointer, 16);
    });
    const rounded = f.let(i32x4.shr_s(i32x4.add(sumOfIntegers(f, sum), f.splatInt(0x4000)), i32.const(15)));
    f.do(v128.store16_lane(to, i16x8.narrow_i32x4_s(rounded, rounded), 0));
  },
};

const PAGE_BYTES = 65536;
/** Of a memory of 4 GiB. */
const MOST_PAGES = 65536;

/** A module with one function, (length) -> outputs, for any filter. */
function moduleOf<S extends Samples>({ elementBytes, emit, emitGroups }: WasmArithmetic<S>): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared: false, maximumPages: MOST_PAGES });
  const f = module.function('run', { length: 'i32' }, 'i32');
  const words = WORDS.map((name, i) => [name, f.let(i32.load(i32.const(0), 4 * i))] as const);
  const state = Object.fromEntries(words) as Readonly<Record<Word, Local<'i32'>>>; // each of them
  const { nTaps, blocks, nPhases, wholeStep, step, stepMod, denominator, samplesAt, outAt, phase, fraction } = state;
  const rowBytes = f.let(i32.mul(blocks, i32.const(8 * elementBytes)));
  const last = f.let(i32.sub(f.args.length, nTaps));
  const to = f.let(outAt);
  const at = f.local('i32');
  emitGroups?.(f, { state, rowBytes, at, last, to });
  f.while(i32.le_s(at, last), () => {
    const row = f.let(i32.add(i32.const(STATE_BYTES), i32.mul(phase, rowBytes)));
    const x = f.let(i32.add(samplesAt, i32.mul(at, i32.const(elementBytes))));
    emit(f, { x, row, rowBytes, blocks, fraction, denominator, to });
    f.increase(to, elementBytes);
    f.increase(phase, step);
    f.if(denominator, () => {
      f.increase(fraction, stepMod);
      f.if(i32.ge_s(fraction, denominator), () => {
        f.set(fraction, i32.sub(fraction, denominator));
        f.increase(phase, 1);
      });
    });
    f.increase(at, wholeStep);
    f.if(i32.ge_s(phase, nPhases), () => {
      f.set(phase, i32.sub(phase, nPhases));
      f.increase(at, 1);
    });
  });
  for (const [name, value] of [
    ['phase', phase],
    ['fraction', fraction],
    ['taken', at],
  ] as const)
    f.do(i32.store(i32.const(0), value, 4 * WORDS.indexOf(name)));
  f.return(i32.div_u(i32.sub(to, outAt), i32.const(elementBytes)));
  module.export('run', f);
  return module.bytes();
}

/** @returns undefined where there is no room for one more memory: an engine sets aside gigabytes of addresses for each */
function machine<S extends Samples>(
  { elementBytes, view, given, bank }: WasmArithmetic<S>,
  module: WebAssembly.Module,
  filter: ResampleFilter,
  capacity: number,
): FilterMachine<S> | undefined {
  const { nTaps, stride, nPhases, step, stepMod, stepDenominator } = filter;
  const coefficients = bank(filter);
  const samplesAt = STATE_BYTES + 64 * Math.ceil(coefficients.byteLength / 64);
  const outAt = samplesAt + 64 * Math.ceil((elementBytes * capacity) / 64);
  const mostOut = outputsOf(filter, capacity);
  const pages = Math.ceil((outAt + elementBytes * mostOut) / PAGE_BYTES);
  const memory = memoryOf(pages);
  if (!memory) return undefined;
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports as { run: FilterMachine<S>['run'] }; // moduleOf
  const { buffer } = memory;
  const words: Readonly<Record<Word, number>> = {
    nTaps,
    blocks: stride / 8,
    nPhases,
    wholeStep: Math.floor(step / nPhases),
    step: step % nPhases,
    stepMod,
    denominator: stepMod === 0 ? 0 : stepDenominator,
    samplesAt,
    outAt,
    phase: 0,
    fraction: 0,
    taken: 0,
  };
  const state = new Int32Array(buffer, 0, WORDS.length);
  state.set(WORDS.map((name) => words[name]));
  view(buffer, STATE_BYTES, coefficients.length).set(coefficients);
  return {
    samples: view(buffer, samplesAt, capacity),
    out: view(buffer, outAt, mostOut),
    given,
    get taken() {
      return state[WORDS.indexOf('taken')]!;
    },
    run,
  };
}

function memoryOf(pages: number): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: MOST_PAGES });
  } catch {
    return undefined;
  }
}

/** (a, b, c) -> a * b + c. */
function fusedProbe(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared: false, maximumPages: MOST_PAGES });
  const f = module.function('probe', { a: 'f32', b: 'f32', c: 'f32' }, 'f32');
  const { a, b, c } = f.args;
  f.return(first(f32x4.relaxed_madd(f32x4.splat(a), f32x4.splat(b), f32x4.splat(c))));
  module.export('probe', f);
  return module.bytes();
}

/** (1 + 2^-12)^2 less what f32 holds of it: rounded once, 2^-24 is left; rounded twice, nothing. */
function isFused(probe: WebAssembly.Module): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES });
  const { exports } = new WebAssembly.Instance(probe, { env: { memory } });
  const call = exports.probe as (a: number, b: number, c: number) => number; // fusedProbe
  return call(1 + 2 ** -12, 1 + 2 ** -12, -(1 + 2 ** -11)) === 2 ** -24;
}
