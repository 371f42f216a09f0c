/**
 * The V8 flags that make our WebAssembly fast, by V8's version.
 *
 * V8 reads its flags when it compiles, so they are set, our module is compiled completely, and they are restored: other
 * WebAssembly of the process is not affected.
 *
 * A flag is no promise of V8's. An unknown one is printed on stderr, and a combination that V8 does not expect ends the
 * process where nothing can catch it. So flags are given to the versions below and to no other: each has read recordings with
 * them on the runtimes that the table names, and `npm run runtimes` does so again. What they gain is in
 * `bench/results/runtimes.md`. Any other version runs without, slower and right (Node 21, V8 11.8, gains nothing by them).
 */
import type { WasmFeatures } from '../engine/wasm/variant.ts';

export interface V8Plan {
  /** Set before compiling. */
  readonly set: readonly string[];
  /** Set after compiling. */
  readonly restore: readonly string[];
  readonly wasm: WasmFeatures;
}

/** Every function is compiled at once, by the optimizing compiler: no slow first calls, and the flags can be restored. */
const EAGER = ['--no-liftoff', '--no-wasm-lazy-compilation'];
/**
 * From V8 14 on the optimizing compiler looks for what Liftoff has counted, to choose what it inlines, and where Liftoff
 * never ran it ends the process: `Check failed: function_feedback != feedback.feedback_for_function.end()`.
 */
const EAGER_14 = [...EAGER, '--no-wasm-inlining'];
/** 256-bit code from our 128-bit code. */
const REVECTORIZE = '--experimental-wasm-revectorize';

/**
 * Major and minor version of V8 -> flags. Each of them is off (or, with `no`, on) by default in that version: restoring is
 * setting the opposite.
 */
const TRIED: Readonly<Record<string, readonly string[]>> = {
  '11.3': [...EAGER, '--experimental-wasm-relaxed-simd'], // Node 20
  '12.4': [...EAGER, '--turboshaft-wasm'], // Node 22
  '12.9': [...EAGER, '--turboshaft-wasm'], // Node 23
  '13.6': [...EAGER, REVECTORIZE], // Node 24
  '14.1': [...EAGER_14, REVECTORIZE], // Node 25
  '14.6': [...EAGER_14, REVECTORIZE], // Node 26
  '15.0': [...EAGER_14, REVECTORIZE], // Deno 2.9
};

/** Flags of the process that have to do with WebAssembly: with ours beside them they are a combination nobody tried. */
const WASM_FLAG = /wasm|liftoff|turbo|jitless|freeze[-_]flags|fuzzing|contradictory/i;

/**
 * @param version     of V8, e.g. `13.6.233.17`
 * @param avx2        whether the processor has 256-bit integer and float vectors (x86-64)
 * @param given       arguments that the process was started with
 * @param relaxedSimd whether there is relaxed SIMD without any flag
 */
export function planV8Flags(version: string, avx2: boolean, given: readonly string[], relaxedSimd: boolean): V8Plan {
  const [, key = ''] = /^(\d+\.\d+)(?:\.|$)/.exec(version) ?? [];
  const tried = Object.hasOwn(TRIED, key) ? TRIED[key] : undefined;
  if (!tried || given.some((argument) => argument.startsWith('--') && WASM_FLAG.test(argument)))
    return withoutV8Flags(version, relaxedSimd);
  const set = tried.filter((flag) => avx2 || flag !== REVECTORIZE);
  return {
    set,
    restore: set.map(opposite),
    wasm: {
      relaxedSimd: relaxedSimd || set.includes('--experimental-wasm-relaxed-simd'),
      revectorize: set.includes(REVECTORIZE),
      // Turboshaft keeps the order of the code; the compiler before it schedules all loads of a loop body first.
      preloadsOperands: Number.parseInt(version, 10) < 12,
    },
  };
}

/** For a process whose flags are not changed. */
export function withoutV8Flags(version: string, relaxedSimd: boolean): V8Plan {
  const preloadsOperands = Number.parseInt(version, 10) < 13;
  return { set: [], restore: [], wasm: { relaxedSimd, revectorize: false, preloadsOperands } };
}

function opposite(flag: string): string {
  return flag.startsWith('--no-') ? `--${flag.slice(5)}` : `--no-${flag.slice(2)}`;
}
