/**
 * Compiles shaders: once for each text, in parallel, with bind group layouts of our own so that one serves many
 * pipelines.
 */
import { KernelError } from '../../errors.js';
import { stageCompute } from './flags.js';

/** How the bindings of a shader are used, one letter each: `r` read only, `w` read and write. */
export type Access = string;

export interface Shader {
  readonly label: string;
  readonly text: string;
  readonly access: Access;
}

export class Pipelines {
  private readonly layouts = new Map<
    Access,
    { readonly group: GPUBindGroupLayout; readonly pipeline: GPUPipelineLayout }
  >();
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();

  private readonly device: GPUDevice;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /** @throws {KernelError} `compile`, with the compiler's messages */
  compile(shader: Shader): Promise<GPUComputePipeline> {
    const known = this.pipelines.get(shader.text);
    if (known) return known;
    const compiled = this.create(shader);
    this.pipelines.set(shader.text, compiled);
    return compiled;
  }

  layout(access: Access): { readonly group: GPUBindGroupLayout; readonly pipeline: GPUPipelineLayout } {
    const known = this.layouts.get(access);
    if (known) return known;
    const entries = [...access].map(
      (letter, binding): GPUBindGroupLayoutEntry => ({
        binding,
        visibility: stageCompute,
        buffer: { type: letter === 'r' ? 'read-only-storage' : 'storage' },
      }),
    );
    const group = this.device.createBindGroupLayout({ label: access, entries });
    const layout = { group, pipeline: this.device.createPipelineLayout({ label: access, bindGroupLayouts: [group] }) };
    this.layouts.set(access, layout);
    return layout;
  }

  private async create({ label, text, access }: Shader): Promise<GPUComputePipeline> {
    const { device } = this;
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label, code: text });
    const scope = device.popErrorScope();
    const pipeline = device.createComputePipelineAsync({
      label,
      layout: this.layout(access).pipeline,
      compute: { module, entryPoint: 'main' },
    });
    const [invalid, made] = await Promise.allSettled([scope, pipeline]);
    const error = invalid.status === 'fulfilled' ? invalid.value : null;
    if (!error && made.status === 'fulfilled') return made.value;
    this.pipelines.delete(text);
    const why = error?.message ?? String(made.status === 'rejected' ? made.reason : 'unknown');
    throw new KernelError('compile', `${label} does not compile on this GPU: ${why}`);
  }
}
