/**
 * Edited code with an end to every loop, for its check: a GPU cannot be stopped, and a loop that never ends costs the device,
 * with SwiftShader in Chromium all later GPU work of the browser.
 *
 * Each invocation counts its turns through all loops together; after too many it leaves them, and says so in an argument that the
 * kernel has for this alone. Where a barrier stands in a loop, or behind one whose counter decides about it, the compiler refuses
 * a break that only some invocations take: whoever asks compiles the result first.
 */
import type { KernelModule } from '../engine/kernel.ts';
import type { WgslVariant } from '../engine/wgsl/variant.ts';
import { type Token, tokensOf } from './wgslDiff.ts';

/** The argument that is 1 where a loop was left. */
export const ENDLESS = 'sotto_endless';
/** An invocation of the kernels here takes some ten thousand. */
export const MOST_TURNS: number = 2 ** 24;
/** Storage buffers that every WebGPU device binds. */
const MOST_ARGUMENTS = 8;

const GUARD = `sotto_turns += 1u; if (sotto_turns > ${MOST_TURNS}u) { ${ENDLESS}[0] = 1u; break; }`;

/** @returns undefined where no loop can be left, or the kernel has no place for one more argument */
export function guardedModule(module: KernelModule): KernelModule | undefined {
  const { kernel } = module;
  const variants = kernel.variants.webgpu;
  if (!Array.isArray(variants) || Object.keys(kernel.args).length >= MOST_ARGUMENTS) return undefined;
  const guarded = (variants as readonly WgslVariant[]).map((variant) => ({
    ...variant,
    wgsl: (...args: Parameters<WgslVariant['wgsl']>) => guardLoops(variant.wgsl(...args)),
  }));
  return {
    ...module,
    kernel: {
      ...kernel,
      args: { ...kernel.args, [ENDLESS]: { access: 'readwrite', dtype: 'u32', dims: [1] } },
      variants: { webgpu: guarded },
    },
    tolerance: (dims, params, arg, variant) =>
      arg === ENDLESS ? { absolute: 0, relative: 0 } : module.tolerance(dims, params, arg, variant),
  };
}

/** The code with a guard at the beginning of every loop that has no barrier in it. */
export function guardLoops(wgsl: string): string {
  const tokens = tokensOf(wgsl);
  const guarded = new Set<number>();
  for (const [i, { text }] of tokens.entries()) {
    if (text !== 'for' && text !== 'while' && text !== 'loop') continue;
    const body = bodyOf(tokens, i);
    if (body && !tokens.slice(body[0], body[1]).some((token) => /[Bb]arrier/.test(token.text))) guarded.add(body[0]);
  }
  // Behind the directives, which stand first.
  const directives = /^(?:\s*(?:\/\/[^\n]*\n|(?:enable|requires|diagnostic)\b[^;]*;))*/.exec(wgsl)?.[0].length ?? 0;
  const code = tokens.map(({ lead, text }, i) => `${lead}${text}${guarded.has(i) ? ` ${GUARD}` : ''}`).join('');
  return `${code.slice(0, directives)} var<private> sotto_turns: u32; ${code.slice(directives)}`;
}

/** Places of the braces around a loop's body; undefined where the text is no loop. */
function bodyOf(tokens: readonly Token[], loop: number): readonly [open: number, close: number] | undefined {
  let parentheses = 0;
  let open = loop + 1;
  for (; open < tokens.length; open++) {
    const { text } = tokens[open]!;
    if (text === '(') parentheses++;
    else if (text === ')') parentheses--;
    else if (text === '{' && parentheses === 0) break;
  }
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i]!.text === '{') depth++;
    else if (tokens[i]!.text === '}' && --depth === 0) return [open, i];
  }
  return undefined;
}
