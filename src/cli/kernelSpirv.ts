/** `sotto kernel NAME --spirv`: what Dawn's compiler makes of a variant, where WebGPU is Dawn on Vulkan. */
import { DeviceError } from '../base/errors.ts';
import { createWebGpuDevice } from '../devices/webgpu/device.ts';
import type { KernelModule } from '../engine/kernel.ts';
import type { Program } from '../engine/program.ts';
import { allocateCase } from '../lab/checkKernel.ts';
import { type Fork, forkModule, type KernelPlace } from '../lab/fork.ts';
import { dawnFlags, openDawn } from '../runtime/nodeDawn.ts';
import { type EditedFile, findPlace, type WantedPlace } from './kernelEdit.ts';

/** Dawn prints what it compiles to stdout; names stay as they are. */
const FLAGS = dawnFlags('dump_shaders,disable_symbol_renaming');

/** In the process whose stdout is read. @throws {DeviceError} `webgpuMissing` where WebGPU is not Dawn */
export async function dumpShader(module: KernelModule, wanted: WantedPlace, edited?: EditedFile): Promise<void> {
  const gpu = process.versions.deno === undefined ? await openDawn(FLAGS) : undefined;
  if (!gpu)
    throw new DeviceError('webgpuMissing', 'SPIR-V is printed by Dawn, which is not here.', {
      hint: 'Use Node with the package "webgpu" (npm install webgpu).',
    });
  const device = await createWebGpuDevice(gpu, { allowSoftware: true });
  const place: KernelPlace = await findPlace(device, module, wanted);
  const fork: Fork | undefined = edited && { kernel: module.kernel.name, ...place, wgsl: edited.wgsl };
  const made = fork ? await forkModule(device, module, fork) : module;
  const { command } = allocateCase(device, made, made.cases[place.caseIndex]!, place);
  const program: Program = { name: module.kernel.name, commands: [command], scratch: [] };
  await device.prepare([program]);
  await device.close();
}

/** @param printed by Dawn @throws {DeviceError} `noDevice` where there is none in it: the driver takes another language */
export function spirvOf(printed: string): string {
  const texts = [...printed.matchAll(/^; SPIR-V\n[\s\S]*?OpFunctionEnd\n(?=info:|\/\/|\s*$)/gm)].map(([text]) => text);
  const last = texts.at(-1);
  if (last === undefined)
    throw new DeviceError('noDevice', 'Dawn printed no SPIR-V: it compiles for another API than Vulkan here.', {
      hint: 'Metal and Direct3D take other languages; Linux and Android have Vulkan.',
    });
  return last;
}
