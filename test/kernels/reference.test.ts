/**
 * The references and the harness that holds devices against them. A reference is not held against itself: that it is
 * right is shown by `test/model/reference.test.ts`, against a model written a second time. Here: every case is well
 * formed, a reference writes all of its outputs and nothing else, and the harness notices what is wrong in any output.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import type { Device } from '../../src/engine/device.ts';
import { elementCount, type HostArray, type StorageArray } from '../../src/engine/dtype.ts';
import { type HostArrays, type KernelCase, type KernelModule, storageTypes } from '../../src/engine/kernel.ts';
import { erfc, gelu } from '../../src/kernels/matmul/gelu.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { allocateCase, caseTitle, checkKernel, fillCase } from '../../src/lab/checkKernel.ts';

const references = suite('references');
const shapes = createReferenceDevice();

for (const module of kernels) {
  for (const kase of module.cases.filter((one) => !one.benchOnly)) {
    references(`${module.kernel.name}: ${caseTitle(kase)}`, () => wellFormed(module, kase));
  }
}

function wellFormed(module: KernelModule, original: KernelCase): void {
  const { command, liveRows, kase } = allocateCase(shapes, module, original);
  const before = fillCase(module, kase, command.args);
  const run = (arrays: HostArrays): HostArrays => {
    module.reference(arrays, command.dims, command.params, liveRows);
    return arrays;
  };
  const once = run(copyOf(before));
  const other = copyOf(before);
  for (const [name, array] of Object.entries(other)) if (module.kernel.args[name]!.access === 'write') array.fill(7);
  const again = run(other);
  let changed = 0;
  for (const [name, { shape }] of Object.entries(command.args)) {
    const { access, dims } = module.kernel.args[name]!;
    const live = dims[0] === 'rows' ? liveRows * elementCount(shape.slice(1)) : elementCount(shape);
    const written = access === 'read' ? 0 : live;
    const [result, given] = [once[name]!, before[name]!];
    assert.is(differences(result.subarray(written), given.subarray(written)), 0, `${name} changes where it must not`);
    assert.ok(result.subarray(0, written).every(Number.isFinite), `${name} is finite`);
    const apart = access === 'write' ? differences(result.subarray(0, live), again[name]!.subarray(0, live)) : 0;
    assert.is(apart, 0, `${name} depends on what it held before`);
    changed += differences(result, given);
  }
  assert.ok(changed > 0, 'the case has something to compute');
}

function copyOf(arrays: HostArrays): HostArrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]));
}

function differences(a: HostArray, b: HostArray): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) count++;
  return count;
}

references('erfc against tabled values', () => {
  // Abramowitz, Stegun 1964, tables 7.1 and 7.3; DLMF 7.
  assert.ok(Math.abs(erfc(0.5) - 0.4795001221869535) < 1e-15);
  assert.ok(Math.abs(erfc(2) - 0.004677734981047266) < 1e-15);
  assert.ok(Math.abs(erfc(3) - 2.209049699858544e-5) < 1e-18);
  assert.ok(Math.abs(gelu(-1) + 0.15865525393145707) < 1e-15);
});

references.after(() => shapes.close());
references.run();

const harness = suite('harness');

/** A device whose reads are spoilt by `spoil`. */
function spoilt(spoil: (data: StorageArray, name: string) => void): Device {
  const inner = createReferenceDevice();
  return {
    ...inner,
    async read(source, begin, end) {
      const data = await inner.read(source, begin, end);
      spoil(data, source.name);
      return data;
    },
  };
}

async function failuresOf(
  module: KernelModule,
  kase: KernelCase,
  spoil: (data: StorageArray, name: string) => void,
): Promise<string> {
  return (await checkKernel(spoilt(spoil), module, kase)).failures.join('\n');
}

for (const module of kernels) {
  const { kernel } = module;
  const kase = module.cases.find((one) => !one.benchOnly && one.liveRows !== 0)!;
  harness(`finds nothing wrong in the reference of ${kernel.name}`, async () => {
    assert.is(await failuresOf(module, kase, () => {}), '');
  });
  for (const [name, spec] of Object.entries(kernel.args)) {
    if (spec.access === 'read') continue;
    const isReal = storageTypes(spec)[0] === 'f32';
    harness(`sees one element of ${kernel.name}'s ${name} that is off by a hundredth of the largest`, async () => {
      const found = await failuresOf(module, kase, (data, read) => {
        if (read === name) data[0]! += isReal ? 0.01 * largest(data) : 1;
      });
      assert.match(found, `${name}[0] is `);
    });
  }
}

/** Masked values (-1e30) aside. */
function largest(data: StorageArray): number {
  return Math.max(...Array.from<number, number>(data, Math.abs).filter((value) => value < 1e29));
}

const layerNorm = kernels.find((m) => m.kernel.name === 'layerNorm')!;
const kase = layerNorm.cases[1]!;

harness('sees an error just beyond the tolerance', async () => {
  const found = await failuresOf(layerNorm, kase, (data, name) => {
    if (name === 'y') data[5]! += 1e-3;
  });
  assert.match(found, /y\[5\] is/);
});

harness('sees NaN that was never overwritten', async () => {
  const found = await failuresOf(layerNorm, kase, (data, name) => {
    if (name === 'y') data[data.length - 1] = Number.NaN;
  });
  assert.match(found, /NaN/);
});

harness('sees a canary overwritten, an input changed, and two runs that differ', async () => {
  const canary = await failuresOf(layerNorm, kase, (data, name) => {
    if (name === 'canary') data[0] = 0;
  });
  assert.match(canary, /canary/);
  const input = await failuresOf(layerNorm, kase, (data, name) => {
    if (name === 'x') data[0]! += 1;
  });
  assert.match(input, /only read/);
  let run = 0;
  const unsteady = await failuresOf(layerNorm, kase, (data, name) => {
    if (name === 'y') data[0]! += 1e-7 * run++;
  });
  assert.match(unsteady, /two runs/);
});

harness.run();
