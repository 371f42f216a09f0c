/**
 * Two variants at one real size, whose reference would take minutes: do they give the same, within what both may be off? A fault
 * of a driver may show at large sizes alone.
 */
import type { Device } from '../../engine/device.ts';
import { elementCount, type HostArray, storageType } from '../../engine/dtype.ts';
import { type HostArrays, type KernelCase, type KernelModule, storageTypes } from '../../engine/kernel.ts';
import type { Program, Tensor } from '../../engine/program.ts';
import { allocateCase, caseTitle, fillCase, type StorageChoice, storedCase } from '../checkKernel.ts';
import { compare } from '../compare.ts';

interface Outputs {
  readonly values: ReadonlyMap<string, { readonly tensor: Tensor; readonly values: HostArray }>;
  /** Are its inputs rounded before it computes? Then it is to give other numbers. */
  readonly isRounded: boolean;
}

/** @returns a sentence where `variant` gives other numbers than `rule`; undefined too where that is as it should be */
export async function disagreement(
  device: Device,
  module: KernelModule,
  kase: KernelCase,
  storage: StorageChoice,
  [rule, variant]: readonly [string, string],
): Promise<string | undefined> {
  if (mayRace(module)) return undefined;
  const [expected, actual] = [
    await outputsOf(device, module, kase, storage, rule),
    await outputsOf(device, module, kase, storage, variant),
  ];
  if (expected.isRounded || actual.isRounded) return undefined;
  for (const [name, { tensor, values }] of actual.values) {
    const [own, other] = [variant, rule].map((each) => module.tolerance(kase.dims, kase.params ?? {}, name, each));
    const bound = { absolute: own!.absolute + other!.absolute, relative: own!.relative + other!.relative };
    const { failure } = compare(tensor, values, expected.values.get(name)!.values, elementCount(tensor.shape), bound);
    if (failure !== undefined) return `${caseTitle(kase, storage)}: not as ${rule}: ${failure}`;
  }
  return undefined;
}

/** Of tables of another number of rows two may lead to one place of what is changed: whoever comes last is right. */
function mayRace({ kernel }: KernelModule): boolean {
  const specs = Object.values(kernel.args);
  const hasTables = specs.some((spec) => storageType(storageTypes(spec)[0]!).values !== 'real');
  return hasTables && specs.some(({ access }) => access === 'readwrite');
}

async function outputsOf(
  device: Device,
  module: KernelModule,
  original: KernelCase,
  storage: StorageChoice,
  variant: string,
): Promise<Outputs> {
  const { command, liveRows, kase, free } = allocateCase(device, module, original, { variant, storage });
  try {
    const values = fillCase(module, kase, command.args, 'agree');
    const stored = storedCase(values, command.args);
    for (const [name, tensor] of Object.entries(command.args)) device.write(tensor, stored[name]!);
    const program: Program = { name: command.kernel.name, commands: [command], scratch: [] };
    const [ready] = await device.prepare([program]);
    device.submit(ready!, command.dims.rows === undefined ? {} : { rows: liveRows });
    const outputs = new Map<string, { tensor: Tensor; values: HostArray }>();
    for (const [name, tensor] of Object.entries(command.args))
      if (module.kernel.args[name]?.access !== 'read')
        outputs.set(name, { tensor, values: storageType(tensor.dtype).widen(await device.read(tensor), tensor.shape) });
    return { values: outputs, isRounded: rounds(module, values, variant, kase) };
  } finally {
    free();
  }
}

function rounds(module: KernelModule, values: HostArrays, variant: string, { dims, params = {} }: KernelCase): boolean {
  if (!module.roundInputs) return false;
  const copy: HostArrays = Object.fromEntries(Object.entries(values).map(([name, array]) => [name, array.slice()]));
  module.roundInputs(copy, variant, dims, params);
  return Object.entries(values).some(([name, array]) => {
    const rounded = copy[name]!;
    return array.some((value, i) => !Object.is(value, rounded[i]));
  });
}
