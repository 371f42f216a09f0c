/**
 * Programs as a GPU runs them: a flat list of pipeline, bind group and grid, walked once a repetition.
 *
 * Everything is bound at `prepare`. A submit makes one encoder and one pass, and no other object.
 */
import { InternalError, KernelError } from '../../base/errors.ts';
import type { Executable } from '../../engine/device.ts';
import type { ArgSpec, KernelContext } from '../../engine/kernel.ts';
import { byteLength, type Command, type Program, type Tensor } from '../../engine/program.ts';
import { boundArgs, shaderText } from '../../engine/wgsl.ts';
import type { Buffers } from './buffers.ts';
import type { Pipelines, Shader } from './pipelines.ts';
import { type ChosenVariant, chooseVariant, type GpuTraits } from './variants.ts';

/**
 * Work that one submit may hold. A GPU that runs longer than about two seconds on one is taken for hung and reset
 * (Windows' TDR); large-v3's encoder has 2600 GFLOP, and the slowest GPUs worth using do about 100 GFLOP/s.
 */
const FLOPS_A_SUBMIT = 64e9;

export interface GpuStep {
  readonly command: Command;
  readonly variant: ChosenVariant['variant'];
  readonly context: KernelContext;
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly flops: number;
}

type Grid = readonly [number, number, number];

export class GpuExecutable implements Executable {
  readonly program: Program;
  readonly steps: readonly GpuStep[];
  private readonly grids = new Map<number, readonly Grid[]>();

  constructor(program: Program, steps: readonly GpuStep[]) {
    this.program = program;
    this.steps = steps;
  }

  /** Workgroups of every step for some live rows; undefined: all rows of each command's capacity. */
  gridsFor(rows: number | undefined): readonly Grid[] {
    const key = rows ?? -1;
    let grids = this.grids.get(key);
    if (!grids) {
      grids = this.steps.map((step) => gridOf(step, rows));
      this.grids.set(key, grids);
    }
    return grids;
  }
}

function gridOf({ command, variant, context }: GpuStep, rows: number | undefined): Grid {
  const capacity = command.dims.rows ?? 0;
  const live = rows === undefined ? capacity : Math.min(rows, capacity);
  const grid = variant.groups(context, live);
  if (grid.some((size) => size > 65535)) {
    throw new InternalError(`${command.kernel.name}: ${grid.join(' x ')} workgroups are more than WebGPU allows`);
  }
  return grid;
}

/** Chooses variants, compiles and binds. */
export async function prepareProgram(
  program: Program,
  parts: { device: GPUDevice; buffers: Buffers; pipelines: Pipelines; traits: GpuTraits },
): Promise<GpuExecutable> {
  const { device, buffers, pipelines } = parts;
  const chosen = program.commands.map((command) => chooseVariant(command, parts.traits));
  const shaders = program.commands.map((command, i) => shaderOf(command, chosen[i]!));
  const compiled = await Promise.all(shaders.map((shader) => pipelines.compile(shader)));
  const bufferOf = buffers.placeScratch(program);
  const steps = program.commands.map((command, i): GpuStep => {
    const { variant, context } = chosen[i]!;
    const args = boundArgs(command.kernel, context);
    refuseAliases(command, args, bufferOf);
    const bindings = device.createBindGroup({
      label: shaders[i]!.label,
      layout: pipelines.groupLayout(shaders[i]!.access),
      entries: args.map(([name], binding) => {
        const tensor = command.args[name]!;
        return { binding, resource: { buffer: bufferOf(tensor), offset: 0, size: byteLength(tensor) } };
      }),
    });
    const { flops } = command.kernel.cost(command.dims, command.params);
    return { command, variant, context, pipeline: compiled[i]!, bindings, flops };
  });
  return new GpuExecutable(program, steps);
}

export function shaderOf(command: Command, { variant, context }: ChosenVariant): Shader {
  const args = boundArgs(command.kernel, context);
  return {
    label: `${command.kernel.name}:${variant.name}`,
    text: shaderText(command.kernel, variant, context),
    access: args.map(([, spec]) => (spec.access === 'read' ? 'r' : 'w')).join(''),
  };
}

/** WebGPU refuses a buffer bound for reading and for writing in one command, and two writers would race. */
function refuseAliases(
  command: Command,
  args: readonly (readonly [string, ArgSpec])[],
  bufferOf: (tensor: Tensor) => GPUBuffer,
): void {
  for (const [name, spec] of args) {
    if (spec.access === 'read') continue;
    const other = args.find(([n]) => n !== name && bufferOf(command.args[n]!) === bufferOf(command.args[name]!));
    if (other) throw new KernelError('alias', `${command.kernel.name}: ${name} and ${other[0]} are one tensor`);
  }
}

/** Encodes and submits a program `times` times, in one pass while that is not too much work for one submit. */
export function submitProgram(device: GPUDevice, work: GpuExecutable, rows: number | undefined, times: number): void {
  const grids = work.gridsFor(rows);
  const { steps } = work;
  let encoder = device.createCommandEncoder();
  let pass = encoder.beginComputePass();
  let flops = 0;
  for (let t = 0; t < times; t++) {
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      const [x, y, z] = grids[i]!;
      if (x === 0 || y === 0 || z === 0) continue;
      if (flops + step.flops > FLOPS_A_SUBMIT && flops > 0) {
        pass.end();
        device.queue.submit([encoder.finish()]);
        encoder = device.createCommandEncoder();
        pass = encoder.beginComputePass();
        flops = 0;
      }
      flops += step.flops;
      pass.setPipeline(step.pipeline);
      pass.setBindGroup(0, step.bindings);
      pass.dispatchWorkgroups(x, y, z);
    }
  }
  pass.end();
  device.queue.submit([encoder.finish()]);
}
