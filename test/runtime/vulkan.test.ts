/** Whether Vulkan is there, of folders that are laid out as a Linux is. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasGpuDevice, missingVulkan } from '../../src/runtime/vulkan.ts';

const test = suite('vulkan');
const folders: string[] = [];
test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A root folder with these files; those whose text matters as `name=text`. */
function system(...files: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'sotto-root-'));
  folders.push(root);
  for (const file of files) {
    const [name = '', text = ''] = file.split('=');
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

test('a GPU is known by its device file', () => {
  const rows: readonly (readonly [files: readonly string[], wanted: boolean])[] = [
    [[], false],
    [['dev/null', 'dev/tty', 'dev/dri/card0'], false],
    [['dev/dri/renderD128'], true],
    [['dev/nvidia0', 'dev/nvidiactl'], true],
    [['dev/nvidiactl'], true],
    [['dev/nvhost-ctrl-gpu'], true],
    [['dev/nvram', 'dev/nvme0n1', 'dev/nvidia-caps'], false],
    [['dev/dxg'], true],
    [['dev/kgsl-3d0'], true],
    [['dev/mali0'], true],
  ];
  for (const [files, wanted] of rows) assert.is(hasGpuDevice({ root: system(...files) }), wanted, files.join());
});

test('what is missing: the loader, then a driver', () => {
  const noLoader = 'etc/ld.so.cache=libfoo.so.1';
  const loader = 'etc/ld.so.cache=libfoo.so.1 libvulkan.so.1';
  const driver = 'usr/share/vulkan/icd.d/radeon_icd.x86_64.json';
  const rows: readonly (readonly [
    files: readonly string[],
    env: Readonly<Record<string, string>>,
    wanted: RegExp | undefined,
  ])[] = [
    [[noLoader], {}, /loader/],
    [[noLoader, driver], {}, /loader/],
    [[noLoader, driver, 'opt/lib/libvulkan.so.1'], {}, /loader/],
    [[noLoader, driver, 'opt/lib/libvulkan.so.1'], { LD_LIBRARY_PATH: '/x:/opt/lib' }, undefined],
    [[noLoader, driver, 'usr/lib/libvulkan.so.1'], {}, undefined],
    [[driver], {}, undefined], // no list of libraries: unknown
    [[loader], {}, /driver/],
    [[loader, 'usr/share/vulkan/icd.d/README'], {}, /driver/],
    [[loader, driver], {}, undefined],
    [[loader, driver], { XDG_DATA_DIRS: '/opt/share' }, /driver/],
    [[loader, 'etc/vulkan/icd.d/nvidia_icd.json'], {}, undefined],
    [[loader, 'home/a/.local/share/vulkan/icd.d/a.json'], { HOME: '/home/a' }, undefined],
    [[loader], { VK_ICD_FILENAMES: '/opt/a.json' }, undefined],
    [[loader], { VK_DRIVER_FILES: '/opt/a.json' }, undefined],
  ];
  for (const [files, env, wanted] of rows) {
    const missing = missingVulkan({ root: system(...files), env });
    const what = `${files.join()} ${JSON.stringify(env)}: ${missing}`;
    if (wanted) assert.match(missing ?? '', wanted, what);
    else assert.is(missing, undefined, what);
  }
});

test.run();
