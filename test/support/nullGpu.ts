/**
 * Dawn's null backend as a hardware GPU with WebGPU's default limits: everything is validated, nothing computed, and every
 * call counted.
 *
 * The backend holds at most 512 MiB, large models with their caches need ten times that. So buffers are words on paper here;
 * what a dispatch names is made for it, checked, and given back.
 */
import { create } from 'webgpu';
import { featuresOf, requestable } from '../../src/devices/webgpu/features.ts';

/** A dispatch: what runs, and on how many workgroups. */
export interface Dispatched {
  /** `kernel:variant` */
  readonly label: string;
  readonly workgroups: number;
}

export interface NullGpu {
  /** As an entry point's platform gives it. */
  readonly gpu: GPU;
  readonly counts: GpuCounts;
  /** What did not validate, once everything that was asked for has been. */
  errors(): Promise<readonly string[]>;
  /** Bytes of the buffers that are there, by their labels; those of one label together. */
  held(): ReadonlyMap<string, number>;
}

export interface GpuCounts {
  submits: number;
  maps: number;
  /** Bytes that maps have brought. */
  readBytes: number;
  writes: number;
  writtenBytes: number;
  /** Buffers, bind groups and pipelines. */
  created: number;
  dispatches: Dispatched[];
}

/** A buffer on paper. */
class PaperBuffer {
  readonly label: string;
  readonly size: number;
  readonly usage: number;
  readonly #live: Set<PaperBuffer>;
  readonly #onMap: (bytes: number) => void;

  constructor(
    { label = '', size, usage }: GPUBufferDescriptor,
    live: Set<PaperBuffer>,
    onMap: (bytes: number) => void,
  ) {
    this.label = label;
    this.size = size;
    this.usage = usage;
    this.#live = live;
    this.#onMap = onMap;
    live.add(this);
  }

  destroy(): void {
    this.#live.delete(this);
  }
  async mapAsync(_mode: number, _offset = 0, bytes = this.size): Promise<void> {
    this.#onMap(bytes);
  }
  getMappedRange(_offset = 0, bytes = this.size): ArrayBuffer {
    return new ArrayBuffer(bytes);
  }
  unmap(): void {}
}

interface PaperBindings {
  readonly layout: GPUBindGroupLayout;
  readonly entries: readonly { readonly buffer: PaperBuffer; readonly offset: number; readonly size: number }[];
}

export interface NullGpuOptions {
  /** With the optional features that Dawn has here; with none when absent. */
  readonly hasFeatures?: boolean | undefined;
  /** Told of what would take time: a clock may be played by them. */
  onDispatch?(): void;
  onMap?(): void;
}

export async function openNullGpu({ hasFeatures = false, onDispatch, onMap }: NullGpuOptions = {}): Promise<NullGpu> {
  // Dawn lives as long as this object.
  const dawn = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  const adapter = await dawn.requestAdapter();
  if (!adapter) throw new Error('Dawn has no null backend');
  const features: ReadonlySet<string> = hasFeatures ? adapter.features : new Set();
  const real = await adapter.requestDevice({
    requiredFeatures: hasFeatures ? requestable(featuresOf(dawn, adapter)) : [],
  });
  const counts: GpuCounts = {
    submits: 0,
    maps: 0,
    readBytes: 0,
    writes: 0,
    writtenBytes: 0,
    created: 0,
    dispatches: [],
  };
  const live = new Set<PaperBuffer>();
  const errors: string[] = [];
  const pending: Promise<unknown>[] = [];
  const checked = new Set<string>();
  const labels = new Map<unknown, string>();
  real.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    errors.push(event.error.message);
  });

  /** Runs `work` once a key, on the real device; what is wrong with it is an error of `what`. */
  const check = (key: string, what: string, work: () => void): void => {
    if (checked.has(key)) return;
    checked.add(key);
    real.pushErrorScope('validation');
    real.pushErrorScope('out-of-memory');
    work();
    for (const _ of ['out-of-memory', 'validation'])
      pending.push(real.popErrorScope().then((error) => error && errors.push(`${what}: ${error.message}`)));
  };
  const dispatch = (
    pipeline: GPUComputePipeline,
    { layout, entries }: PaperBindings,
    grid: readonly number[],
  ): void => {
    onDispatch?.();
    const label = labels.get(pipeline) ?? '';
    counts.dispatches.push({ label, workgroups: grid.reduce((product, n) => product * n, 1) });
    const buffers = [...new Set(entries.map(({ buffer }) => buffer))];
    const bound = entries.map(({ buffer, offset, size }) => {
      return [buffers.indexOf(buffer), buffer.size, buffer.usage, offset, size].join(' ');
    });
    check([label, idOf(pipeline), ...bound, grid].join(';'), label, () => {
      const made = buffers.map(({ size, usage, label }) => real.createBuffer({ label, size, usage }));
      const group = real.createBindGroup({
        layout,
        entries: entries.map(({ buffer, offset, size }, binding) => {
          return { binding, resource: { buffer: made[buffers.indexOf(buffer)]!, offset, size } };
        }),
      });
      const encoder = real.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(grid[0]!, grid[1], grid[2]);
      pass.end();
      real.queue.submit([encoder.finish()]);
      for (const buffer of made) buffer.destroy();
    });
  };
  const mapped = (bytes: number): void => {
    counts.maps++;
    counts.readBytes += bytes;
    onMap?.();
  };
  const ids = new Map<unknown, number>();
  const idOf = (object: unknown): number => {
    if (!ids.has(object)) ids.set(object, ids.size);
    return ids.get(object)!;
  };
  /** The methods that the device is asked for and that are not the real one's. */
  const methods: Readonly<Record<string, unknown>> = {
    createBuffer(asked: GPUBufferDescriptor): PaperBuffer {
      counts.created++;
      check(`buffer ${asked.size} ${asked.usage}`, `buffer ${asked.label}`, () => real.createBuffer(asked).destroy());
      return new PaperBuffer(asked, live, mapped);
    },
    createBindGroup({ layout, entries }: GPUBindGroupDescriptor): PaperBindings {
      counts.created++;
      return {
        layout,
        // Ours are ranges of the buffers above.
        entries: [...entries].map(({ resource }) => resource as unknown as PaperBindings['entries'][number]),
      };
    },
    async createComputePipelineAsync(asked: GPUComputePipelineDescriptor): Promise<GPUComputePipeline> {
      counts.created++;
      const pipeline = await real.createComputePipelineAsync(asked);
      labels.set(pipeline, asked.label ?? '');
      return pipeline;
    },
    createCommandEncoder() {
      let pipeline: GPUComputePipeline;
      let bindings: PaperBindings;
      return {
        beginComputePass: () => ({
          setPipeline(given: GPUComputePipeline) {
            pipeline = given;
          },
          setBindGroup(_index: number, given: PaperBindings) {
            bindings = given;
          },
          dispatchWorkgroups: (...grid: number[]) => dispatch(pipeline, bindings, grid),
          end() {},
        }),
        copyBufferToBuffer() {},
        finish() {},
      };
    },
    destroy() {
      live.clear();
      real.destroy();
    },
  };
  const queue = {
    submit() {
      counts.submits++;
    },
    writeBuffer(target: PaperBuffer, offset: number, { byteLength }: ArrayBufferView): void {
      counts.writes++;
      counts.writtenBytes += byteLength;
      if (offset + byteLength > target.size) errors.push(`${offset}..${offset + byteLength} is not in ${target.label}`);
    },
  };
  const over = <T extends object>(target: T, own: Readonly<Record<string, unknown>>): T =>
    new Proxy(target, {
      get(object, name) {
        if (typeof name === 'string' && Object.hasOwn(own, name)) return own[name];
        const value: unknown = Reflect.get(object, name, object);
        return typeof value === 'function' ? value.bind(object) : value;
      },
    });
  const device = over(real, { ...methods, queue });
  const info = { vendor: 'null', architecture: '', device: '', description: 'a GPU that computes nothing' };
  const shown = over(adapter, {
    features,
    info: { ...info, isFallbackAdapter: false },
    requestDevice: async () => device,
  });
  return {
    gpu: over(dawn, { requestAdapter: async () => shown }),
    counts,
    async errors() {
      await Promise.all(pending);
      return errors;
    },
    held() {
      const bytes = new Map<string, number>();
      for (const { label, size } of live) bytes.set(label, (bytes.get(label) ?? 0) + size);
      return bytes;
    },
  };
}
