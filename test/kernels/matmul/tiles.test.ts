/** The kernels that choose tiles by what the engine can, with the tiles that other engines get. */
import { createCpuDevice } from '../../../src/devices/wasm/device.ts';
import type { WasmFeatures } from '../../../src/engine/wasm/variant.ts';
import { createNodePlatform } from '../../../src/runtime/node.ts';
import { conformance } from '../conformance.ts';

const platform = createNodePlatform();
const { relaxedSimd } = platform.wasm;
const tiles: readonly (WasmFeatures & { readonly title: string })[] = [
  { title: '4 x 8, multiply and add', relaxedSimd: false, revectorize: false, preloadsOperands: false },
  { title: '4 x 8, loads first', relaxedSimd, revectorize: false, preloadsOperands: true },
  { title: '6 x 8', relaxedSimd, revectorize: false, preloadsOperands: false },
  { title: '6 x 16', relaxedSimd, revectorize: true, preloadsOperands: false },
];
for (const { title, ...wasm } of tiles)
  for (const kernel of ['matmul', 'attention', 'cachedAttention', 'crossAttention'])
    conformance('cpu', title, () => createCpuDevice({ ...platform, wasm }, { threads: 1 }), kernel);
