/**
 * One part of a GPU day, in a process of its own.
 *
 *   node dist/bench/gpu-day/part.js probe|ceilings|conformance|tokens|engine|loading|variants|tune [--out FOLDER] [--small]
 */
import { parseArgs } from 'node:util';
import { createWebGpuDevice, type WebGpuDevice, type WebGpuOptions } from '../../src/devices/webgpu/device.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';
import { ceilings } from './ceilings.ts';
import { engine } from './engine.ts';
import { loading } from './loading.ts';
import { notesOf, type PartOptions } from './notes.ts';
import { probe } from './probe.ts';
import { tokens } from './tokens.ts';
import { tune } from './tune.ts';
import { conformance, variants } from './variants.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: 'gpu-day' }, small: { type: 'boolean', default: false } },
});

const parts: Readonly<Record<string, (options: PartOptions) => Promise<void>>> = {
  probe,
  ceilings: (options) => onDevice((device) => ceilings(device, options)),
  conformance: (options) => onDevice((device) => conformance(device, options)),
  tokens,
  engine: (options) => engine(openDevice, options),
  loading: (options) => loading(openDevice, options),
  variants: (options) => onDevice((device) => variants(device, options)),
  tune: (options) => tune(values.out, options),
};
const [name = ''] = positionals;
const part = parts[name];
if (!part) throw new Error(`${name} is none of ${Object.keys(parts).join(', ')}`);
const note = notesOf(name, values.out);
const started = performance.now();
try {
  await part({ isSmall: values.small, note });
} catch (error) {
  note({ failed: name, why: String(error).slice(0, 600) });
  process.exitCode = 1;
}
note({ done: name, seconds: (performance.now() - started) / 1000 });

async function openDevice(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
  const gpu = await createNodePlatform().gpu();
  if (!gpu) throw new Error('there is no WebGPU');
  return createWebGpuDevice(gpu, { ...options, allowSoftware: values.small });
}

async function onDevice(work: (device: WebGpuDevice) => Promise<void>): Promise<void> {
  const device = await openDevice();
  try {
    await work(device);
  } finally {
    await device.close();
  }
}
