/** The harness on the reference device itself: every case is well formed, and a wrong kernel is noticed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import type { Device } from '../../src/engine/device.ts';
import type { StorageArray } from '../../src/engine/dtype.ts';
import { erfc, gelu } from '../../src/kernels/matmul/gelu.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { checkKernel } from '../../src/lab/checkKernel.ts';
import { conformance } from './conformance.ts';

conformance('reference', async () => createReferenceDevice());

const test = suite('harness');

/** A device whose reads of `y`-like outputs are spoilt by `spoil`. */
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

const layerNorm = kernels.find((m) => m.kernel.name === 'layerNorm')!;
const kase = layerNorm.cases[1]!;

test('sees an error just beyond the tolerance', async () => {
  const off = await checkKernel(
    spoilt((data, name) => {
      if (name === 'y') data[5]! += 1e-3;
    }),
    layerNorm,
    kase,
  );
  assert.match(off.failures.join(), /y\[5\] is/);
});

test('sees NaN that was never overwritten', async () => {
  const off = await checkKernel(
    spoilt((data, name) => {
      if (name === 'y') data[data.length - 1] = Number.NaN;
    }),
    layerNorm,
    kase,
  );
  assert.match(off.failures.join(), /NaN/);
});

test('sees a canary overwritten, an input changed, and two runs that differ', async () => {
  const canary = await checkKernel(
    spoilt((data, name) => {
      if (name === 'canary') data[0] = 0;
    }),
    layerNorm,
    kase,
  );
  assert.match(canary.failures.join(), /canary/);
  const input = await checkKernel(
    spoilt((data, name) => {
      if (name === 'x') data[0]! += 1;
    }),
    layerNorm,
    kase,
  );
  assert.match(input.failures.join(), /only read/);
  let run = 0;
  const unsteady = await checkKernel(
    spoilt((data, name) => {
      if (name === 'y') data[0]! += 1e-7 * run++;
    }),
    layerNorm,
    kase,
  );
  assert.match(unsteady.failures.join(), /two runs/);
});

test('erfc against tabled values', () => {
  // Abramowitz, Stegun 1964, tables 7.1 and 7.3; DLMF 7.
  assert.ok(Math.abs(erfc(0.5) - 0.4795001221869535) < 1e-15);
  assert.ok(Math.abs(erfc(2) - 0.004677734981047266) < 1e-15);
  assert.ok(Math.abs(erfc(3) - 2.209049699858544e-5) < 1e-18);
  assert.ok(Math.abs(gelu(-1) + 0.15865525393145707) < 1e-15);
});

test.run();
