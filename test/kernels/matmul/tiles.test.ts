/** The kernels that choose tiles by what the engine can, with the tiles that other engines get. */
import { createCpuDevice } from '../../../src/devices/wasm/device.ts';
import { createNodePlatform } from '../../../src/runtime/node.ts';
import type { CpuFlags } from '../../../src/runtime/platform.ts';
import { conformance } from '../conformance.ts';

const platform = createNodePlatform();
const { relaxedSimd } = platform.wasm;
const tiles: readonly (CpuFlags & { readonly title: string })[] = [
  { title: '4 x 8, multiply and add', relaxedSimd: false, revectorize: false, loadsFirst: false },
  { title: '4 x 8, loads first', relaxedSimd, revectorize: false, loadsFirst: true },
  { title: '6 x 8', relaxedSimd, revectorize: false, loadsFirst: false },
  { title: '6 x 16', relaxedSimd, revectorize: true, loadsFirst: false },
];
for (const { title, ...wasm } of tiles)
  for (const kernel of ['matmul', 'attention', 'attentionStep'])
    conformance(`cpu, ${title}`, () => createCpuDevice({ ...platform, wasm }, { threads: 1 }), kernel);
