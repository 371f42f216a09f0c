/**
 * What a device can do at most, measured: multiply-adds without memory, and bytes read in order without arithmetic. The
 * roofline that kernels are graded against; data sheets are not asked.
 *
 * Both are kernels like the others, known only here.
 */
import type { Device } from '../engine/device.ts';
import type { Kernel, KernelCase, KernelModule } from '../engine/kernel.ts';
import { i32 } from '../engine/wasm/scalar.ts';
import { at, forUnits, kernelFunction } from '../engine/wasm/signature.ts';
import { f32x4, v128 } from '../engine/wasm/simd.ts';
import { timeKernel } from './timeKernel.ts';

export interface Peaks {
  readonly gflops: number;
  readonly gigabytes: number;
}

/** Vectors of 4 in one unit of arithmetic, independent chains in each, and multiply-adds a chain. */
const vectors = 64;
const chains = 10;
const turns = 1024;
const names = Array.from({ length: chains }, (_, k) => `a${k}`);

const arithmetic: Kernel = {
  name: 'peakArithmetic',
  args: {
    x: { access: 'read', dtype: 'f32', dims: [64] },
    y: { access: 'write', dtype: 'f32', dims: ['units', 64] },
  },
  params: {},
  cost: (d) => ({ flops: d.units! * vectors * chains * turns * 8, bytes: 256 * d.units! }),
  gpu: [
    {
      name: 'chains',
      groups: (c) => [c.dims.units!, 1, 1],
      wgsl: () => `
        @compute @workgroup_size(${vectors})
        fn main(@builtin(workgroup_id) unit: vec3u, @builtin(local_invocation_index) i: u32) {
          let m = x[0];
          ${names.map((a, k) => `var ${a} = vec4f(x[(i + ${k}u) % 64u]);`).join('\n')}
          for (var turn = 0u; turn < ${turns}u; turn++) {
            ${names.map((a) => `${a} = ${a} * m + vec4f(0.5);`).join('\n')}
          }
          let sum = ${names.join(' + ')};
          y[unit.x * 64u + i] = sum.x + sum.y + sum.z + sum.w;
        }`,
    },
  ],
  cpu: [
    {
      name: 'chains',
      units: (c) => c.dims.units!,
      emit: (w, _c, caps) => {
        const f = kernelFunction(w, arithmetic);
        const factor = f.let(v128.load32_splat(f.args.x!));
        const half = f.splat(0.5);
        const sums = f.locals('v128', chains);
        forUnits(f, (unit) => {
          const y = f.let(at(f.args.y!, unit, 256));
          f.repeat(i32.const(vectors), () => {
            for (const sum of sums) f.set(sum, factor);
            f.repeat(i32.const(turns), () => {
              for (const sum of sums)
                f.set(
                  sum,
                  caps.relaxedSimd ? f32x4.relaxed_madd(sum, factor, half) : f32x4.add(f32x4.mul(sum, factor), half),
                );
            });
            // Neighbours, the higher address first: the order in which V8 pairs vectors into wider ones.
            for (let k = chains - 1; k >= 0; k--) f.do(v128.store(y, sums[k]!, 16 * k));
          });
        });
        return f;
      },
    },
  ],
};

const unitBytes = 1 << 16;

const reading: Kernel = {
  name: 'peakReading',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['units', unitBytes / 4] },
    y: { access: 'write', dtype: 'f32', dims: ['units', 64] },
  },
  params: {},
  cost: (d) => ({ flops: 0, bytes: d.units! * unitBytes }),
  gpu: [
    {
      name: 'vec4',
      vec4: ['x'],
      groups: (c) => [c.dims.units!, 1, 1],
      wgsl: () => `
        @compute @workgroup_size(64)
        fn main(@builtin(workgroup_id) unit: vec3u, @builtin(local_invocation_index) i: u32) {
          let base = unit.x * ${unitBytes / 16}u + i;
          var a = vec4f(); var b = vec4f(); var c = vec4f(); var d = vec4f();
          for (var k = 0u; k < ${unitBytes / 16}u; k += 256u) {
            a += x[base + k]; b += x[base + k + 64u]; c += x[base + k + 128u]; d += x[base + k + 192u];
          }
          let sum = a + b + c + d;
          y[unit.x * 64u + i] = sum.x + sum.y + sum.z + sum.w;
        }`,
    },
  ],
  cpu: [
    {
      name: 'xor',
      units: (c) => c.dims.units!,
      emit: (w) => {
        const f = kernelFunction(w, reading);
        const sums = f.locals('v128', 8);
        forUnits(f, (unit) => {
          const x = f.let(at(f.args.x!, unit, unitBytes));
          f.repeat(i32.const(unitBytes / 128), () => {
            for (const [k, sum] of sums.entries()) f.set(sum, v128.xor(sum, v128.load(x, 16 * k)));
            f.increase(x, 128);
          });
          const y = f.let(at(f.args.y!, unit, 256));
          for (let k = 7; k >= 0; k--) f.do(v128.store(y, sums[k]!, 16 * k));
        });
        return f;
      },
    },
  ],
};

function asModule(kernel: Kernel, kase: KernelCase): KernelModule {
  return { kernel, reference: () => {}, cases: [kase], tolerance: () => ({ absolute: 0, relative: 0 }) };
}

/** Takes about a second on a CPU. Software GPUs do less work, or it would take minutes. */
export async function measurePeaks(device: Device): Promise<Peaks> {
  const options = { series: 5, seriesMs: 40 };
  const one: KernelCase = { dims: { units: 16 } };
  const many: KernelCase = { dims: { units: 1024 }, fill: { x: () => {} } };
  const { gflops } = await timeKernel(device, asModule(arithmetic, one), one, undefined, options);
  const { gigabytes } = await timeKernel(device, asModule(reading, many), many, undefined, options);
  return { gflops, gigabytes };
}
