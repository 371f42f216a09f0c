/**
 * Whether Linux has what Dawn needs, by looking at files. Dawn is native code that prints on stderr when it finds no Vulkan,
 * no driver, or a driver that it does not like, and nothing can be told to it about that. So it is not loaded where it could
 * find nothing: that costs less than a millisecond, loading it for nothing some 100 ms and its lines.
 *
 * Where the answer cannot be known (no list of libraries, as with musl or on NixOS) it is "there".
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** Device files of GPUs with a Vulkan driver: DRM, NVIDIA's own, Tegra, WSL, Adreno, Mali, PowerVR. */
const GPU_DEVICE = /^(renderD\d+|nvidia(ctl|\d+)|nvhost-|nvmap$|dxg$|kgsl|mali\d|pvr)/;

const LOADER = 'libvulkan.so.1';
const LIBRARY_FOLDERS = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib', dirname(process.execPath)];

/** A folder as if this were the root: for tests. */
export interface Root {
  readonly root?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Whether a container or machine has a GPU that a Vulkan driver could open. */
export function hasGpuDevice({ root = '/' }: Root = {}): boolean {
  return ['dev', 'dev/dri'].some((folder) => list(join(root, folder)).some((name) => GPU_DEVICE.test(name)));
}

/** What of Vulkan is missing, as a sentence; undefined if nothing is. */
export function missingVulkan({ root = '/', env = process.env }: Root = {}): string | undefined {
  if (!hasLoader(root, env)) return `The Vulkan loader (${LOADER}) is not installed.`;
  if (!hasDriver(root, env)) return 'No Vulkan driver is installed.';
  return undefined;
}

/** Where dlopen looks: LD_LIBRARY_PATH, the list that ldconfig made, the system's own folders. @see man 8 ld.so */
function hasLoader(root: string, env: NonNullable<Root['env']>): boolean {
  const folders = [...split(env.LD_LIBRARY_PATH), ...LIBRARY_FOLDERS];
  if (folders.some((folder) => existsSync(join(root, folder, LOADER)))) return true;
  try {
    return readFileSync(join(root, 'etc/ld.so.cache'), 'latin1').includes(LOADER);
  } catch {
    return true;
  }
}

/** @see https://vulkan.lunarg.com/doc/view/latest/linux/LoaderDriverInterface.html, driver discovery on Linux */
function hasDriver(root: string, env: NonNullable<Root['env']>): boolean {
  if (env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES || env.VK_ADD_DRIVER_FILES) return true;
  const folders = [
    env.XDG_CONFIG_HOME ?? (env.HOME && join(env.HOME, '.config')),
    ...split(env.XDG_CONFIG_DIRS ?? '/etc/xdg'),
    '/etc',
    '/usr/local/etc',
    env.XDG_DATA_HOME ?? (env.HOME && join(env.HOME, '.local/share')),
    ...split(env.XDG_DATA_DIRS ?? '/usr/local/share:/usr/share'),
    '/run/opengl-driver/share', // NixOS
  ];
  return folders.some(
    (folder) => folder && list(join(root, folder, 'vulkan/icd.d')).some((name) => /\.json$/.test(name)),
  );
}

function split(list: string | undefined): string[] {
  return (list ?? '').split(':').filter((folder) => folder !== '');
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
