/**
 * Dawn, the package `webgpu`: WebGPU in Node and Bun, with its flags and its adapters by name.
 *
 * Dawn shuts down with the object that its create() returned, and the process is aborted (`std::system_error`, or SIGSEGV) if
 * that object is garbage collected while any object of a device is still referenced, even of a device closed long ago. Seen
 * with webgpu 0.6.2. So each is kept for as long as the process lives.
 */
import { DeviceError } from '../base/errors.ts';
import { environment } from './environment.ts';

const ENABLE = 'enable-dawn-features';
const DISABLE = 'disable-dawn-features';

/**
 * Toggles that nobody is the worse for who has not asked; adapters without their subject ignore them.
 *
 * allow_unsafe_apis: what is not in the standard yet, matrices of subgroups.
 * vulkan_enable_f16_on_nvidia: NVIDIA's drivers have had f16 in shaders for years; Dawn hides it, for a fault in old ones.
 * timestamp_quantization: pages are to have no exact clock, and get steps of 65 us. A program of one's own has one anyway.
 */
const ENABLED = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];
const DISABLED = ['timestamp_quantization'];

/** What of the environment is added to Dawn's flags. */
export const FLAGS_VARIABLE = 'SOTTO_DAWN_FLAGS';

/**
 * Dawn's flags, each name once: of two with one name Dawn would take the last.
 *
 * @param extra `key=value` with spaces or commas between; after a list of toggles, and by themselves, bare words are toggles.
 *   What it enables or disables comes before what we do.
 */
export function dawnFlags(extra = '', adapter?: string): string[] {
  const enabled = new Set(ENABLED);
  const disabled = new Set(DISABLED);
  const others = new Map<string, string>();
  let isOff = false;
  for (const word of extra.split(/[\s,]+/).filter((each) => each !== '')) {
    const [, key, value = word] = /^([^=]+)=(.*)$/.exec(word) ?? [];
    if (key !== undefined) isOff = key === DISABLE;
    if (key !== undefined && key !== ENABLE && key !== DISABLE) others.set(key, value);
    else if (value !== '') {
      (isOff ? disabled : enabled).add(value);
      (isOff ? enabled : disabled).delete(value);
    }
  }
  if (adapter !== undefined) others.set('adapter', adapter);
  const lists = [`${ENABLE}=${[...enabled].join()}`, `${DISABLE}=${[...disabled].join()}`];
  return [...lists, ...[...others].map(([key, value]) => `${key}=${value}`)];
}

/** By their flags. */
const opened = new Map<string, Promise<GPU | undefined>>();

/**
 * @param flags as they are, in place of ours with those of the environment
 * @returns undefined where the package or its binary is missing
 * @throws {DeviceError} `noAdapter` if the flags of the environment make no sense to Dawn
 */
export async function openDawn(flags?: readonly string[]): Promise<GPU | undefined> {
  if (flags) return created(flags);
  const extra = environment(FLAGS_VARIABLE);
  const gpu = await created(dawnFlags(extra));
  // Dawn looks at most flags when it is asked for an adapter.
  if (gpu && extra !== undefined) await gpu.requestAdapter().catch(refused);
  return gpu;
}

function created(flags: readonly string[]): Promise<GPU | undefined> {
  const key = flags.join(' ');
  const known = opened.get(key) ?? create(flags);
  opened.set(key, known);
  return known;
}

async function create(flags: readonly string[]): Promise<GPU | undefined> {
  try {
    // No bundler is to look for it: it is native, optional, and found at run time or not at all.
    const { create } = await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ 'webgpu');
    return create([...flags]);
  } catch {
    // Not installed, or no binary for this machine: there is no WebGPU, which the caller reports.
    return undefined;
  }
}

/**
 * Dawn with the first adapter whose name has `name` in it, in large letters or small.
 *
 * @throws {DeviceError} `noAdapter`, with the names of those that are there
 */
export async function openDawnOn(name: string): Promise<GPU | undefined> {
  const withName = (part: string): Promise<GPU | undefined> => created(dawnFlags(environment(FLAGS_VARIABLE), part));
  const asked = await withName(name);
  const there = asked && (await namesBeside(asked));
  if (!there) return asked;
  const found = there.find((each) => each.toLowerCase().includes(name.toLowerCase()));
  if (found !== undefined) return withName(found);
  throw new DeviceError('noAdapter', `No adapter has "${name}" in its name.`, {
    hint: there.length > 0 ? `There are: ${there.join('; ')}.` : 'There is none at all: install a graphics driver.',
  });
}

/** Undefined if there is the adapter that was asked for; else the names of all: Dawn tells them in its error alone. */
async function namesBeside(gpu: GPU): Promise<readonly string[] | undefined> {
  try {
    return (await gpu.requestAdapter()) ? undefined : [];
  } catch (error) {
    const [, list] = /Available adapters:(.*)/s.exec(messageOf(error)) ?? refused(error);
    return [...(list ?? '').matchAll(/name: '([^']*)'/g)].map(([, name = '']) => name);
  }
}

function refused(cause: unknown): never {
  throw new DeviceError('noAdapter', `Dawn refuses its flags: ${messageOf(cause)}`, {
    cause,
    hint: `${FLAGS_VARIABLE} is "${environment(FLAGS_VARIABLE) ?? ''}".`,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
