/** An edit as a program in TypeScript that checks and times it, for `node` with sotto and the package `webgpu`, or a page. */
import type { Fork } from 'sotto/lab';

export function typescriptOf({ kernel, variant, caseIndex, storage, wgsl }: Fork, title: string): string {
  const code = wgsl.replace(/[\\`]|\$\{/g, '\\$&').trim();
  return `// ${kernel}/${variant}, edited for case ${caseIndex + 1}: ${title}
import { createWebGpuDevice, type Fork, kernels, measurePeaks, runFork } from 'sotto/lab';

const wgsl = /* wgsl */ \`
${code}
\`;

const fork: Fork = {
  kernel: '${kernel}',
  variant: '${variant}',
  caseIndex: ${caseIndex},
  storage: ${JSON.stringify(storage)},
  wgsl,
};

// In Node, with create of the package webgpu: const gpu = create([]);
const gpu = navigator.gpu;
const device = await createWebGpuDevice(gpu, { allowSoftware: true });
const module = kernels.find(({ kernel }) => kernel.name === fork.kernel)!;
const report = await runFork(device, module, fork, { peaks: await measurePeaks(device) });
for (const { right, place, failures } of report.cases) console.log(right ? 'right' : 'WRONG', place.title, ...failures);
for (const { place, bestMs, roofline } of report.timings) console.log(place.title, bestMs, 'ms', roofline);
await device.close();
`;
}
