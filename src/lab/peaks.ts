/**
 * What a device can do at most, measured: multiply-adds without memory, and bytes read in order without arithmetic. The
 * roofline that kernels are graded against; data sheets are not asked.
 *
 * Both are kernels like the others, known only here.
 */
import type { Device } from '../engine/device.ts';
import { defineKernel, type Kernel, type KernelCase, type KernelModule } from '../engine/kernel.ts';
import { i32 } from '../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../engine/wasm/signature.ts';
import { f32x4, v128 } from '../engine/wasm/simd.ts';
import type { WasmVariant } from '../engine/wasm/variant.ts';
import type { WgslVariant } from '../engine/wgsl/variant.ts';
import { timeKernel } from './timeKernel.ts';

export interface Peaks {
  readonly gflops: number;
  readonly gigabytes: number;
}

/**
 * Vectors of 4 in one work item of arithmetic, independent chains in each, and multiply-adds a chain. Two multiply-adds begin in a
 * cycle and take four, so eight chains are the least of registers; V8 joins two vectors to one where it can.
 */
const VECTORS = 64;
const CHAINS = 20;
const TURNS = 1024;
/** Chains that fit into sixteen registers with what they need. */
const CHAINS_OF_128_BITS = 10;
const names = Array.from({ length: CHAINS_OF_128_BITS }, (_, k) => `a${k}`);

const arithmeticWgsl: WgslVariant<'items'> = {
  name: 'chains',
  groups: (c) => [c.dims.items, 1, 1],
  wgsl: () => `
@compute @workgroup_size(${VECTORS})
fn main(@builtin(workgroup_id) item: vec3u, @builtin(local_invocation_index) i: u32) {
  let m = x[0];
  ${names.map((a, k) => `var ${a} = vec4f(x[(i + ${k}u) % 64u]);`).join('\n')}
  for (var turn = 0u; turn < ${(TURNS * CHAINS) / CHAINS_OF_128_BITS}u; turn++) {
    ${names.map((a) => `${a} = ${a} * m + vec4f(0.5);`).join('\n')}
  }
  let sum = ${names.join(' + ')};
  y[item.x * 64u + i] = sum.x + sum.y + sum.z + sum.w;
}`,
};

const arithmeticWasm: WasmVariant<'x' | 'y', 'items'> = {
  name: 'chains',
  workItems: (c) => c.dims.items,
  emit(f, { features: { relaxedSimd, revectorize } }) {
    const factor = f.let(v128.load32_splat(f.args.x));
    const half = f.splat(0.5);
    const sums = f.locals('v128', revectorize ? CHAINS : CHAINS_OF_128_BITS);
    forWorkItems(f, (item) => {
      const y = f.let(at(f.args.y, item, 256));
      f.repeat(i32.const(VECTORS), () => {
        for (const sum of sums) f.set(sum, factor);
        f.repeat(i32.const((TURNS * CHAINS) / sums.length), () => {
          for (const sum of sums)
            f.set(sum, relaxedSimd ? f32x4.relaxed_madd(sum, factor, half) : f32x4.add(f32x4.mul(sum, factor), half));
        });
        // Neighbours, the higher address first: the order in which V8 pairs vectors into wider ones.
        // Items have 256 bytes, of which nobody reads what is here.
        for (let k = sums.length - 1; k >= 0; k--) f.do(v128.store(y, sums[k]!, 16 * (k % 16)));
      });
    });
  },
};

const arithmetic = defineKernel({
  name: 'peakArithmetic',
  args: {
    x: { access: 'read', dtype: 'f32', dims: [64] },
    y: { access: 'write', dtype: 'f32', dims: ['items', 64] },
  },
  params: {},
  cost: ({ items }) => ({ flops: items * VECTORS * CHAINS * TURNS * 8, bytes: 256 * items }),
  variants: { webgpu: [arithmeticWgsl], wasm: [arithmeticWasm] },
});

const ITEM_BYTES = 1 << 16;

const readingWgsl: WgslVariant<'items'> = {
  name: 'vec4',
  vec4: ['x'],
  groups: (c) => [c.dims.items, 1, 1],
  wgsl: () => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) item: vec3u, @builtin(local_invocation_index) i: u32) {
  let base = item.x * ${ITEM_BYTES / 16}u + i;
  var a = vec4f(); var b = vec4f(); var c = vec4f(); var d = vec4f();
  for (var k = 0u; k < ${ITEM_BYTES / 16}u; k += 256u) {
    a += x[base + k]; b += x[base + k + 64u]; c += x[base + k + 128u]; d += x[base + k + 192u];
  }
  let sum = a + b + c + d;
  y[item.x * 64u + i] = sum.x + sum.y + sum.z + sum.w;
}`,
};

const readingWasm: WasmVariant<'x' | 'y', 'items'> = {
  name: 'xor',
  workItems: (c) => c.dims.items,
  emit(f) {
    const sums = f.locals('v128', 8);
    forWorkItems(f, (item) => {
      const x = f.let(at(f.args.x, item, ITEM_BYTES));
      f.repeat(i32.const(ITEM_BYTES / 128), () => {
        for (const [k, sum] of sums.entries()) f.set(sum, v128.xor(sum, v128.load(x, 16 * k)));
        f.increase(x, 128);
      });
      const y = f.let(at(f.args.y, item, 256));
      for (let k = 7; k >= 0; k--) f.do(v128.store(y, sums[k]!, 16 * k));
    });
  },
};

const reading = defineKernel({
  name: 'peakReading',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['items', ITEM_BYTES / 4] },
    y: { access: 'write', dtype: 'f32', dims: ['items', 64] },
  },
  params: {},
  cost: ({ items }) => ({ flops: 0, bytes: items * ITEM_BYTES }),
  variants: { webgpu: [readingWgsl], wasm: [readingWasm] },
});

function asModule(kernel: Kernel, kase: KernelCase): KernelModule {
  return { kernel, reference: () => {}, cases: [kase], tolerance: () => ({ absolute: 0, relative: 0 }) };
}

/** Items of a GPU: workgroups enough for the largest card, and bytes that no cache holds. */
const GPU_ARITHMETIC = 4096;
const GPU_READING = 8192;

/** Takes about a second on a CPU. Software GPUs do as much, or it would take minutes. */
export async function measurePeaks(device: Device): Promise<Peaks> {
  const options = { series: 5, seriesMs: 40 };
  const isCard = device.kind === 'webgpu' && !device.isSoftware;
  const most = Math.floor(device.maxTensorBytes / ITEM_BYTES);
  const one: KernelCase = { dims: { items: isCard ? GPU_ARITHMETIC : 16 } };
  const many: KernelCase = { dims: { items: isCard ? Math.min(GPU_READING, most) : 1024 }, fill: { x: () => {} } };
  const { gflops } = await timeKernel(device, asModule(arithmetic, one), one, {}, options);
  const { gigabytes } = await timeKernel(device, asModule(reading, many), many, {}, options);
  return { gflops, gigabytes };
}
