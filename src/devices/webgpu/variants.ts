/**
 * Which of a kernel's WGSL variants a command may run.
 *
 * All variants of a kernel meet the same error bound, so the choice is about speed alone: those whose `needs` the
 * device has and whose `when` holds; first those made for this kind of adapter, then those for any, then the others;
 * within each in the order of the file.
 */
import { KernelError } from '../../base/errors.ts';
import type { GpuVariant, KernelContext } from '../../engine/kernel.ts';
import type { Command } from '../../engine/program.ts';

export interface GpuTraits {
  readonly features: { has(feature: string): boolean };
  readonly isSoftware: boolean;
}

export interface ChosenVariant {
  readonly variant: GpuVariant;
  readonly context: KernelContext;
}

/** All that fit, best first. */
export function fittingVariants(command: Command, traits: GpuTraits): readonly ChosenVariant[] {
  const kind = traits.isSoftware ? 'software' : 'hardware';
  const rank = ({ variant }: ChosenVariant): number => (variant.suits === kind ? 0 : variant.suits ? 2 : 1);
  return command.kernel.gpu
    .map((variant) => ({ variant, context: contextOf(command, variant) }))
    .filter((chosen) => refusal(chosen, traits) === undefined)
    .sort((a, b) => rank(a) - rank(b));
}

/** @throws {KernelError} `noVariant`, with the reason that refused each */
export function chooseVariant(command: Command, traits: GpuTraits): ChosenVariant {
  const fitting = fittingVariants(command, traits);
  const wanted = command.variant;
  const chosen = wanted === undefined ? fitting[0] : fitting.find(({ variant }) => variant.name === wanted);
  if (chosen) return chosen;
  const dims = Object.entries(command.dims).map(([name, size]) => `${name} ${size}`);
  const reasons = command.kernel.gpu
    .filter(({ name }) => wanted === undefined || name === wanted)
    .map((variant) => refusal({ variant, context: contextOf(command, variant) }, traits));
  const why = reasons.length > 0 ? reasons.join('; ') : `it has no variant${wanted ? ` ${wanted}` : ''}`;
  throw new KernelError('noVariant', `${command.kernel.name} (${dims.join(', ')}) cannot run on this GPU: ${why}`);
}

function refusal({ variant, context }: ChosenVariant, traits: GpuTraits): string | undefined {
  const missing = variant.needs?.find((feature) => !traits.features.has(feature));
  if (missing) return `${variant.name} needs ${missing}`;
  return variant.when && !variant.when(context) ? `${variant.name} does not take these dims` : undefined;
}

function contextOf(command: Command, variant: GpuVariant): KernelContext {
  const knobs: Record<string, number> = {};
  for (const [name, values] of Object.entries(variant.knobs ?? {})) knobs[name] = values[0]!;
  return { dims: command.dims, params: command.params, has: (arg) => arg in command.args, knobs };
}
