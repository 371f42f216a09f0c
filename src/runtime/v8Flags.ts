/**
 * The V8 flags that make our WebAssembly fast, by V8's version.
 *
 * V8 reads its flags when it compiles, so they are set, our module is compiled completely, and they are restored: other
 * WebAssembly of the process is not affected. V8 does not throw for an unknown flag but prints to stderr, so only versions
 * that were tried get any. (Node 20 is V8 11.3, 22 is 12.4, 24 is 13.6; Deno 2.9 is 15.0.)
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
 * @param version     of V8, e.g. `13.6.233.17`
 * @param avx2        whether the processor has 256-bit integer and float vectors (x86-64)
 * @param given       flags that the process was started with: they are not restored to their defaults
 * @param relaxedSimd whether there is relaxed SIMD without any flag
 */
export function planV8Flags(version: string, avx2: boolean, given: readonly string[], relaxedSimd: boolean): V8Plan {
  const major = Number.parseInt(version, 10);
  const set = major >= 11 && major <= 15 ? [...EAGER] : [];
  if (major === 11) set.push('--experimental-wasm-relaxed-simd');
  if (major === 12) set.push('--turboshaft-wasm');
  const revectorize = major >= 13 && major <= 15 && avx2;
  if (revectorize) set.push('--experimental-wasm-revectorize');
  const named = new Set(given.map(nameOf));
  return {
    set,
    restore: set.filter((flag) => !named.has(nameOf(flag))).map(opposite),
    // Turboshaft keeps the order of the code; the compiler before it schedules all loads of a loop body first.
    wasm: { relaxedSimd: relaxedSimd || major === 11, revectorize, preloadsOperands: major <= 11 },
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

/** `--no-Wasm_lazy=1` and `--wasm-lazy` are one flag. */
function nameOf(flag: string): string {
  return flag
    .replaceAll('_', '-')
    .replace(/^--?(no-)?/, '')
    .replace(/=.*$/, '');
}
