/** sotto in Deno: as in Node, with Deno's own WebGPU. */
import { type NodeLoadOptions, load as nodeLoad } from './index.node.ts';
import { createDenoPlatform } from './runtime/deno.ts';
import type { Whisper } from './whisper.ts';

export * from './index.node.ts';

/** Loads a model; see `index.node.ts`. */
export function load(model: string | URL, options: NodeLoadOptions = {}): Promise<Whisper> {
  return nodeLoad(model, { platform: createDenoPlatform(), ...options });
}
