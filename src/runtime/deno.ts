/** Deno, where Node's modules and V8's flags work as in Node, and WebGPU is Deno's own (wgpu). */
import { createNodePlatform } from './node.ts';
import type { Platform } from './platform.ts';

export function createDenoPlatform(): Platform {
  return createNodePlatform('deno');
}
