/**
 * Programs as a GPU runs them: a flat list of pipeline, bind group and grid, walked once a repetition.
 *
 * Everything is bound at `prepare`. A submit makes one encoder and one pass, and no other object.
 */
import { InternalError, KernelError } from '../../base/errors.ts';
import type { Executable } from '../../engine/device.ts';
import type { ArgSpec, Kernel } from '../../engine/kernel.ts';
import { bytesInUse, type Command, type Program, type Tensor } from '../../engine/program.ts';
import {
  forRows,
  loadVariants,
  type SelectedVariant,
  selectVariants,
  type VariantKind,
} from '../../engine/selectVariant.ts';
import type { GpuFeatures } from '../../engine/wgsl/features.ts';
import { boundArgs, shaderText } from '../../engine/wgsl/shader.ts';
import type { Grid, WgslVariant } from '../../engine/wgsl/variant.ts';
import type { Buffers } from './buffers.ts';
import type { Pipelines, Shader } from './pipelines.ts';
import type { Submits } from './submits.ts';

/**
 * Work that one submit may hold. A GPU that runs longer than about two seconds on one is taken for hung and reset
 * (Windows' TDR); large-v3's encoder has 2600 GFLOP, and the slowest GPUs worth using do about 100 GFLOP/s.
 */
export const FLOPS_A_SUBMIT = 64e9;

/** A variant with its pipeline: what runs a command for some numbers of live rows. */
interface CompiledVariant extends SelectedVariant<WgslVariant> {
  readonly pipeline: GPUComputePipeline;
}

interface Step {
  readonly command: Command;
  readonly variants: readonly CompiledVariant[];
  readonly bindings: GPUBindGroup;
}

/** A step for one number of live rows. */
interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly grid: Grid;
  readonly flops: number;
}

export class GpuExecutable implements Executable {
  readonly program: Program;
  readonly #steps: readonly Step[];
  readonly #dispatches = new Map<number, readonly Dispatch[]>();

  constructor(program: Program, steps: readonly Step[]) {
    this.program = program;
    this.#steps = steps;
  }

  /** Every step for some live rows, those without work left out; undefined: all rows of each command's capacity. */
  dispatches(rows: number | undefined): readonly Dispatch[] {
    const key = rows ?? -1;
    let known = this.#dispatches.get(key);
    if (!known) {
      known = this.#steps.map((step) => dispatchOf(step, rows)).filter(({ grid }) => !grid.includes(0));
      this.#dispatches.set(key, known);
    }
    return known;
  }

  encode(pass: GPUComputePassEncoder, rows: number | undefined, times: number): void {
    for (let t = 0; t < times; t++) for (const dispatch of this.dispatches(rows)) encodeDispatch(pass, dispatch);
  }
}

function encodeDispatch(pass: GPUComputePassEncoder, { pipeline, bindings, grid }: Dispatch): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  pass.dispatchWorkgroups(...grid);
}

function dispatchOf({ command, variants, bindings }: Step, rows: number | undefined): Dispatch {
  const capacity = command.dims.rows ?? 0;
  const live = rows === undefined ? capacity : Math.min(rows, capacity);
  const selected = forRows(variants, live);
  if (!selected) throw new InternalError(`${command.kernel.name}/${command.variant} is not for ${live} rows`);
  const grid = selected.variant.groups(selected.context, live);
  if (grid.some((size) => size > 65535)) {
    throw new InternalError(`${command.kernel.name}: ${grid.join(' x ')} workgroups are more than WebGPU allows`);
  }
  const dims = command.dims.rows === undefined ? command.dims : { ...command.dims, rows: live };
  return { pipeline: selected.pipeline, bindings, grid, flops: command.kernel.cost(dims, command.params).flops };
}

/** Chooses variants, compiles and binds. */
export async function prepareProgram(
  program: Program,
  parts: {
    readonly device: GPUDevice;
    readonly buffers: Buffers;
    readonly pipelines: Pipelines;
    readonly kind: VariantKind<WgslVariant>;
    readonly gpu: GpuFeatures;
  },
): Promise<GpuExecutable> {
  const { device, buffers, pipelines, kind, gpu } = parts;
  const loaded = await loadVariants(program.commands, kind);
  const compiled = await Promise.all(
    program.commands.map((command) =>
      Promise.all(
        selectVariants(command, loaded).map(async (selected): Promise<CompiledVariant> => {
          return { ...selected, pipeline: await pipelines.compile(shaderOf(command.kernel, selected, gpu)) };
        }),
      ),
    ),
  );
  const bufferOf = buffers.placeScratch(program);
  const steps = program.commands.map((command, i): Step => {
    const variants = compiled[i] ?? [];
    const [first] = variants;
    if (!first) throw new InternalError(`${command.kernel.name} was given no variant`);
    const args = boundArgs(command.kernel, first.context);
    refuseAliases(command, args, bufferOf);
    const bindings = device.createBindGroup({
      label: command.kernel.name,
      layout: pipelines.groupLayout(accessOf(args)),
      entries: args.map(([name], binding) => {
        const tensor = command.args[name]!; // bound arguments are given ones
        return { binding, resource: { buffer: bufferOf(tensor), offset: 0, size: bindingSize(command, name) } };
      }),
    });
    return { command, variants, bindings };
  });
  return new GpuExecutable(program, steps);
}

export function shaderOf(kernel: Kernel, { variant, context }: SelectedVariant<WgslVariant>, gpu: GpuFeatures): Shader {
  return {
    label: `${kernel.name}:${variant.name}`,
    text: shaderText(kernel, variant, context, gpu),
    access: accessOf(boundArgs(kernel, context)),
  };
}

type BoundArgs = ReturnType<typeof boundArgs>;

function accessOf(args: BoundArgs): string {
  return args.map(([, spec]) => (spec.access === 'read' ? 'r' : 'w')).join('');
}

/** In whole words: an odd number of halves has half a word more. */
function bindingSize(command: Command, arg: string): number {
  return Math.ceil(bytesInUse(command, arg) / 4) * 4;
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
export function submitProgram(
  { device, submits }: { readonly device: GPUDevice; readonly submits: Submits },
  work: GpuExecutable,
  rows: number | undefined,
  times: number,
): void {
  const dispatches = work.dispatches(rows);
  let encoder = device.createCommandEncoder();
  let pass = encoder.beginComputePass();
  let flops = 0;
  for (let t = 0; t < times; t++) {
    for (const dispatch of dispatches) {
      if (flops + dispatch.flops > FLOPS_A_SUBMIT && flops > 0) {
        pass.end();
        submits.add(encoder.finish(), flops);
        encoder = device.createCommandEncoder();
        pass = encoder.beginComputePass();
        flops = 0;
      }
      flops += dispatch.flops;
      encodeDispatch(pass, dispatch);
    }
  }
  pass.end();
  submits.add(encoder.finish(), flops);
}
