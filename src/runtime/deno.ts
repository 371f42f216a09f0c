/**
 * Deno, where Node's modules and V8's flags work as in Node, and WebGPU is Deno's own (wgpu). So are the workers: those of
 * `node:worker_threads` differ from version to version (in 2.5 posting from one never ends).
 */
import { createNodePlatform } from './node.ts';
import type { Platform } from './platform.ts';
import { spawnWebWorker } from './webWorker.ts';

export function createDenoPlatform(): Platform {
  return { ...createNodePlatform('deno'), spawn: (source, name) => spawnWebWorker(source, name, 'module') };
}
