/** sotto in Deno: as in Node, with Deno's own WebGPU. */
import { type NodeLoadOptions, load as nodeLoad } from './index.node.js';
import { createDenoPlatform } from './platform/deno.js';
import type { Whisper } from './whisper.js';

export * from './index.node.js';

/** Loads a model; see `index.node.ts`. */
export function load(model: string | URL, options: NodeLoadOptions = {}): Promise<Whisper> {
  return nodeLoad(model, { platform: createDenoPlatform(), ...options });
}
