/** What the page of `pageStart.ts` runs. */
import { load } from '../src/index.web.ts';

export interface PageStart {
  /** Of fetching the weights' bytes and doing nothing with them. */
  readonly fetchMs: number;
  /** Of `load`, until a model is ready to transcribe. */
  readonly loadMs: number;
  readonly description: string;
}

/** @param model address of the model's folder @param device as `load` has it */
async function start(model: string, device: 'cpu' | 'webgpu'): Promise<PageStart> {
  const fetched = performance.now();
  const response = await fetch(new URL('model.safetensors', new URL(model, location.href)), { cache: 'no-store' });
  await response.arrayBuffer();
  const begun = performance.now();
  const whisper = await load(model, { device });
  const ready = performance.now();
  await whisper.close();
  return { fetchMs: begun - fetched, loadMs: ready - begun, description: whisper.device.description };
}

Object.assign(globalThis, { start });
