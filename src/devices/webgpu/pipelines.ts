/**
 * Compiles shaders: once for each text, in parallel, with bind group layouts of our own so that one serves many
 * pipelines.
 */
import { KernelError } from '../../base/errors.ts';
import { stageCompute } from './flags.ts';

/** How the bindings of a shader are used, one letter each: `r` read only, `w` read and write. */
export type Access = string;

export interface Shader {
  readonly label: string;
  readonly text: string;
  readonly access: Access;
}

export class Pipelines {
  readonly #groupLayouts = new Map<Access, GPUBindGroupLayout>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  readonly #device: GPUDevice;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** @throws {KernelError} `compile`, with the compiler's messages */
  compile(shader: Shader): Promise<GPUComputePipeline> {
    const known = this.#pipelines.get(shader.text);
    if (known) return known;
    const compiled = this.#create(shader);
    this.#pipelines.set(shader.text, compiled);
    return compiled;
  }

  groupLayout(access: Access): GPUBindGroupLayout {
    const known = this.#groupLayouts.get(access);
    if (known) return known;
    const entries = [...access].map(
      (letter, binding): GPUBindGroupLayoutEntry => ({
        binding,
        visibility: stageCompute,
        buffer: { type: letter === 'r' ? 'read-only-storage' : 'storage' },
      }),
    );
    const layout = this.#device.createBindGroupLayout({ label: access, entries });
    this.#groupLayouts.set(access, layout);
    return layout;
  }

  async #create({ label, text, access }: Shader): Promise<GPUComputePipeline> {
    const device = this.#device;
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label, code: text });
    const scope = device.popErrorScope();
    const pipeline = device.createComputePipelineAsync({
      label,
      // One for each pipeline: wgpu before its fix 9341 (Deno 2.9) takes over the sizes that a shader expects only when the
      // pipeline layout changes, and else holds bindings against the shader before ("bound with size 1536 where the shader
      // expects 79724544": layer norm after the embedding). May go when test/runtimes/deno.test.ts passes without.
      layout: device.createPipelineLayout({ label: access, bindGroupLayouts: [this.groupLayout(access)] }),
      compute: { module, entryPoint: 'main' },
    });
    const [invalid, made] = await Promise.allSettled([scope, pipeline]);
    const error = invalid.status === 'fulfilled' ? invalid.value : null;
    if (!error && made.status === 'fulfilled') return made.value;
    this.#pipelines.delete(text);
    const why = error?.message ?? String(made.status === 'rejected' ? made.reason : 'unknown');
    throw new KernelError('compile', `${label} does not compile on this GPU: ${why}`);
  }
}
