/**
 * Images built by buildah, and containers of them, on a machine without a container engine. A container here is a read-only
 * copy of the image's files with namespaces of its own, started as the image's configuration says: what
 * `docker run --read-only --tmpfs /tmp` does, without cgroups. Wants root.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repoRoot } from './paths.ts';

const TOOLS = ['buildah', 'mmdebstrap', 'unshare', 'nsenter'];
/** Builds download and compile: minutes on a busy machine. */
const BUILD_LIMIT_MS = 15 * 60_000;

/** What an image says of itself, as docker has it. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

export interface RunOptions {
  /** `UID:GID`; the image's own when absent. */
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Folder of the host by its place in the container. */
  readonly readable?: Readonly<Record<string, string>>;
  readonly writable?: Readonly<Record<string, string>>;
  /** The host's, in place of none at all. */
  readonly hasNetwork?: boolean;
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Can images be built here? If not, says what is skipped. */
export function canBuildImages(what: string): boolean {
  const missing = TOOLS.filter((tool) => spawnSync('which', [tool]).status !== 0);
  if (process.platform !== 'linux') missing.push('Linux');
  else if (process.getuid?.() !== 0) missing.push('root');
  if (missing.length > 0) console.log(`skipped ${what}: no ${missing.join(', ')} here`);
  return missing.length === 0;
}

/**
 * Debian with Node and npm, to stand for `node:24-bookworm-slim` where no registry of images is reached. Built once for each
 * version of the two.
 *
 * @param node the program
 * @returns its name
 */
export function baseImage(node: string): string {
  const npm = join(output('npm', ['root', '--global']).trim(), 'npm');
  const versions = `${output(node, ['--version'])}${output('npm', ['--version'])}${output('sh', ['-c', '. /etc/os-release; echo $ID $VERSION_ID'])}`;
  const name = `localhost/sotto-test-base:${createHash('sha256').update(versions).digest('hex').slice(0, 12)}`;
  if (spawnSync('buildah', ['inspect', '--type', 'image', name]).status === 0) return name;
  const folder = mkdtempSync(join(tmpdir(), 'sotto-base-'));
  try {
    const suite = output('sh', ['-c', '. /etc/os-release; echo $VERSION_CODENAME']).trim();
    const packages = '--include=ca-certificates,libstdc++6';
    output('mmdebstrap', ['--variant=apt', packages, suite, join(folder, 'base.tar'), ...mirror(suite)]);
    copyFileSync(node, join(folder, 'node'));
    cpSync(npm, join(folder, 'npm'), { recursive: true });
    const lines = [
      'FROM scratch',
      'ADD base.tar /',
      'COPY node /usr/local/bin/',
      'COPY npm /usr/local/lib/node_modules/npm',
      'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm',
    ];
    writeFileSync(join(folder, 'Dockerfile'), `${lines.join('\n')}\n`);
    output('buildah', ['build', '--isolation', 'chroot', '--format', 'docker', '-t', name, folder]);
    return name;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The mirror of Debian that this machine uses; nothing, for the default one, if it does not say. */
function mirror(suite: string): readonly string[] {
  const format = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', `Codename: ${suite}`];
  const first = spawnSync('apt-get', format, { encoding: 'utf8' }).stdout?.split('\n')[0];
  return first ? [first] : [];
}

/**
 * Builds the repository's Dockerfile, with this machine's npm settings and what npm has already downloaded.
 *
 * @returns the image's name
 * @throws {Error} with the end of the log
 */
export async function buildImage(
  base: string,
  target: string,
  args: Readonly<Record<string, string>> = {},
): Promise<string> {
  const name = `localhost/sotto-test:${target}`;
  const folder = mkdtempSync(join(tmpdir(), 'sotto-npm-'));
  try {
    const mounts = npmMounts(folder);
    const given = Object.entries({ BASE: base, ...args }).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
    // Layers are kept, so that what two targets have in common is built once.
    const options = ['--layers', '--isolation', 'chroot', '--format', 'docker', '--pull-never', '--target', target];
    const child = spawn('buildah', ['build', ...options, '-t', name, ...mounts, ...given, '.'], { cwd: repoRoot });
    const { status, stdout, stderr } = await ended(child, BUILD_LIMIT_MS);
    if (status !== 0) throw new Error(`buildah ended with ${status}\n${`${stdout}\n${stderr}`.slice(-4000)}`);
    return name;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An `.npmrc` with the registry of this machine, the authorities that it trusts, and npm's cache. */
function npmMounts(folder: string): readonly string[] {
  const setting = (name: string): string => output('npm', ['config', 'get', name]).trim();
  const lines = [`registry=${setting('registry')}`, 'prefer-offline=true', 'audit=false', 'fund=false'];
  const mounts: string[] = [];
  const authorities = setting('cafile');
  if (authorities !== 'null' && authorities !== '') {
    lines.push('cafile=/etc/npm-authorities.pem');
    mounts.push('-v', `${realpathSync(authorities)}:/etc/npm-authorities.pem:ro`);
  }
  writeFileSync(join(folder, 'npmrc'), `${lines.join('\n')}\n`);
  const cache = setting('cache');
  mkdirSync(cache, { recursive: true });
  return [...mounts, '-v', `${join(folder, 'npmrc')}:/root/.npmrc:ro`, '-v', `${cache}:/root/.npm`];
}

/** Removes what builds have left but for the named images. */
export function removeLayers(): void {
  spawnSync('buildah', ['rmi', '--prune', '--force']);
}

export function imageConfig(image: string): ImageConfig {
  const inspected = JSON.parse(output('buildah', ['inspect', '--type', 'image', image])) as {
    readonly Docker: { readonly config: ImageConfig };
  };
  return inspected.Docker.config;
}

/** The files of an image, and what runs on them. */
export class Container {
  readonly config: ImageConfig;
  readonly #id: string;
  readonly #root: string;

  constructor(image: string) {
    this.config = imageConfig(image);
    this.#id = output('buildah', ['from', '--pull-never', image]).trim();
    this.#root = output('buildah', ['mount', this.#id]).trim();
  }

  /** @returns the process, whose own first process is the container's */
  start(args: readonly string[], options: RunOptions = {}): ChildProcess {
    const { user = this.config.User, env = {}, readable = {}, writable = {}, hasNetwork = false } = options;
    const mounts = [
      ...Object.entries(readable).map(([inside, outside]) => ({ inside, outside, flags: 'ro,bind' })),
      ...Object.entries(writable).map(([inside, outside]) => ({ inside, outside, flags: 'rw,bind' })),
    ];
    // The places have to be there before nothing can be written any more.
    for (const { inside } of mounts) mkdirSync(join(this.#root, inside), { recursive: true });
    const lines = [
      'set -e; root=$1; shift',
      'mount --bind "$root" "$root"; mount -o remount,ro,bind "$root"',
      'mount -t proc proc "$root/proc"; mount --bind /dev "$root/dev"; mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"',
      ...mounts.map(
        ({ inside, outside, flags }) =>
          `mount --bind '${outside}' "$root${inside}"; mount -o remount,${flags} "$root${inside}"`,
      ),
      `exec chroot --userspec=${user} "$root" /usr/bin/env -i -C '${this.config.WorkingDir}' "$@"`,
    ];
    const variables = [...this.config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
    const namespaces = ['--mount', '--pid', '--fork', ...(hasNetwork ? [] : ['--net'])];
    const command = [...variables, ...this.config.Entrypoint, ...args];
    return spawn('unshare', [...namespaces, 'sh', '-c', lines.join('\n'), 'sh', this.#root, ...command]);
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return ended(this.start(args, options), BUILD_LIMIT_MS);
  }

  /** Runs the image's health check in a container that runs. @returns its exit status */
  async health(child: ChildProcess): Promise<number | null> {
    const [, ...command] = this.config.Healthcheck?.Test ?? [];
    const inside = ['--target', firstProcess(child), '--mount', '--pid', 'chroot', this.#root, '/usr/bin/env', '-i'];
    return (await ended(spawn('nsenter', [...inside, ...this.config.Env, ...command]), BUILD_LIMIT_MS)).status;
  }

  /** Tells the container's first process to end, as `docker stop` does. @returns how it ended */
  async stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    const end = ended(child, BUILD_LIMIT_MS);
    process.kill(Number(firstProcess(child)), signal);
    return end;
  }

  remove(): void {
    spawnSync('buildah', ['rm', this.#id]);
  }
}

/** Its number here, of the process that has number 1 in the container. */
function firstProcess({ pid }: ChildProcess): string {
  return output('pgrep', ['--parent', String(pid)]).trim();
}

function ended(child: ChildProcess, limitMs: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, stdout, stderr });
    });
  });
}

/** @throws {Error} with what it said */
function output(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: dirname(repoRoot),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr.slice(-2000)}`);
  return stdout;
}
