import { type AdapterOptions, withAdapter } from '../runtime/adapterOptions.ts';
import { createDenoPlatform } from '../runtime/deno.ts';
import { createNodePlatform } from '../runtime/node.ts';
import type { Platform } from '../runtime/platform.ts';

/** What the command runs on. It is one program for all runtimes: no import condition of a package chooses for it. */
export function hostPlatform(options: AdapterOptions = {}): Platform {
  return withAdapter(process.versions.deno === undefined ? createNodePlatform() : createDenoPlatform(), options);
}
