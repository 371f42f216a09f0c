/** A kernel gives the same bits on one thread and on three: how work items are handed out must not show. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createCpuDevice } from '../../src/devices/wasm/device.ts';
import type { Device } from '../../src/engine/device.ts';
import type { StorageArray } from '../../src/engine/dtype.ts';
import type { KernelCase, KernelModule } from '../../src/engine/kernel.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { allocateCase, caseTitle, fillCase, isMadeFor, storedCase } from '../../src/lab/checkKernel.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';

const test = suite('cpu threads');
const platform = createNodePlatform();
const devices: Device[] = [];

test.before(async () => {
  for (const threads of [1, 3]) devices.push(await createCpuDevice(platform, { threads }));
});
test.after(async () => {
  for (const device of devices) await device.close();
});

async function run(device: Device, module: KernelModule, original: KernelCase): Promise<Record<string, StorageArray>> {
  const { command, liveRows, kase, free } = allocateCase(device, module, original);
  const data = storedCase(fillCase(module, kase, command.args, caseTitle(original)), command.args);
  for (const [name, tensor] of Object.entries(command.args)) device.write(tensor, data[name]!);
  const [ready] = await device.prepare([{ name: 'one', commands: [command], scratch: [] }]);
  device.submit(ready!, command.dims.rows === undefined ? {} : { rows: liveRows });
  const result: Record<string, StorageArray> = {};
  for (const [name, tensor] of Object.entries(command.args)) result[name] = await device.read(tensor);
  free();
  return result;
}

for (const module of kernels.filter(({ kernel }) => isMadeFor(kernel, 'cpu')))
  for (const kase of module.cases) {
    const { flops, bytes } = module.kernel.cost(kase.dims, { ...module.kernel.params, ...kase.params });
    // Small commands are not handed out at all; the largest take seconds on a busy machine.
    if (Math.max(flops / 40, bytes / 16) < 20_000 || flops > 4e8) continue;
    test(`${module.kernel.name}: ${caseTitle(kase)}`, async () => {
      const [one, three] = [await run(devices[0]!, module, kase), await run(devices[1]!, module, kase)];
      for (const [name, data] of Object.entries(one)) {
        const bits = (array: typeof data): Uint32Array => new Uint32Array(array.buffer, array.byteOffset, array.length);
        const other = bits(three[name]!);
        assert.is(
          bits(data).findIndex((word, i) => word !== other[i]),
          -1,
          `first element of ${name} that differs`,
        );
      }
    });
  }

test.run();
