/**
 * Redis and PostgreSQL servers for one test: each in a temporary folder, on a free port of this machine, without a service of
 * the system. They end with this process, however it ends (`setpriv --pdeathsig`), and can be stopped and started again
 * with what they hold.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Broker {
  readonly kind: 'redis' | 'postgres';
  /** For `--queue`. */
  readonly url: string;
  /** Stops it, at once, as a machine that is switched off; what it holds stays. */
  stop(): Promise<void>;
  /** Starts it again at the same address. Resolves when it answers. */
  start(): Promise<void>;
  /** Stops it, and removes what it holds. */
  end(): Promise<void>;
}

const READY_MS = 60_000;
const DEBIAN_POSTGRES = '/usr/lib/postgresql';

interface Server {
  readonly kind: Broker['kind'];
  readonly folder: string;
  readonly url: (port: number) => string;
  readonly command: (port: number) => readonly [program: string, ...args: string[]];
  /** Whether it answers. */
  readonly isReady: (port: number) => Promise<boolean>;
  /** That ends it at once. */
  readonly signal: NodeJS.Signals;
}

/** The kinds that can run here, each with a function that starts one; says what is skipped. */
export function brokersOrSkip(what: string): readonly { readonly kind: Broker['kind']; start(): Promise<Broker> }[] {
  if (spawnSync('setpriv', ['--version']).status !== 0) {
    console.log(`skipped ${what}: no setpriv (util-linux) on the PATH`);
    return [];
  }
  const starts = [];
  if (spawnSync('redis-server', ['--version']).status === 0) {
    starts.push({ kind: 'redis' as const, start: () => started(redis()) });
  } else console.log(`skipped ${what} on Redis: no redis-server on the PATH`);
  const programs = postgresPrograms();
  if (programs) starts.push({ kind: 'postgres' as const, start: () => started(postgres(programs)) });
  else console.log(`skipped ${what} on PostgreSQL: no initdb in ${DEBIAN_POSTGRES}`);
  return starts;
}

function redis(): Server {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-redis-'));
  // Each change is in the file before it is answered: a restart forgets nothing.
  const settings = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction'];
  return {
    kind: 'redis',
    folder,
    signal: 'SIGKILL',
    url: (port) => `redis://127.0.0.1:${port}`,
    command: (port) => ['redis-server', '--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, ...settings],
    isReady: answersPing,
  };
}

/** The newest of Debian's. */
function postgresPrograms(): string | undefined {
  if (!existsSync(DEBIAN_POSTGRES)) return undefined;
  const folders = readdirSync(DEBIAN_POSTGRES)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_POSTGRES, version, 'bin'));
  return folders.find((folder) => existsSync(join(folder, 'initdb')));
}

function postgres(programs: string): Server {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-postgres-'));
  const user = otherUser();
  if (user.length > 0) run('chown', ['postgres', folder]);
  const data = join(folder, 'data');
  const initdb = [join(programs, 'initdb'), '-D', data, '-U', 'sotto', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
  run('setpriv', [...user, '--', ...initdb]);
  const settings = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'max_connections=60',
  ];
  return {
    kind: 'postgres',
    folder,
    // Connections are broken off, and the data stays as it is.
    signal: 'SIGQUIT',
    url: (port) => `postgres://sotto@127.0.0.1:${port}/postgres`,
    command: (port) => [
      ...(['setpriv', ...user, '--pdeathsig', 'QUIT', '--'] as const),
      ...[join(programs, 'postgres'), '-D', data, '-p', `${port}`],
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    isReady: async (port) => {
      const args = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'sotto', 'postgres', '-c', 'select 1'];
      return (await statusOf(join(programs, 'psql'), args)) === 0;
    },
  };
}

/** PostgreSQL refuses to run as root. */
function otherUser(): readonly string[] {
  return process.getuid?.() === 0 ? ['--reuid=postgres', '--regid=postgres', '--init-groups'] : [];
}

async function started(server: Server): Promise<Broker> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  let log = '';
  const broker: Broker = {
    kind: server.kind,
    url: server.url(port),
    async start() {
      const [program, ...args] = server.command(port);
      const mortal =
        program === 'setpriv' ? [program, ...args] : ['setpriv', '--pdeathsig', 'KILL', '--', program, ...args];
      const process = spawn(mortal[0]!, mortal.slice(1), { cwd: server.folder, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [process.stdout, process.stderr])
        stream.on('data', (text: Buffer) => (log += text.toString()));
      child = process;
      const end = Date.now() + READY_MS;
      while (!(await server.isReady(port))) {
        if (process.exitCode !== null || Date.now() > end) throw new Error(`${server.kind} does not start:\n${log}`);
        await sleep(20);
      }
    },
    async stop() {
      const process = child;
      if (!process || process.exitCode !== null || process.signalCode !== null) return;
      const ended = new Promise((resolve) => process.once('exit', resolve));
      process.kill(server.signal);
      await ended;
    },
    async end() {
      await broker.stop();
      rmSync(server.folder, { recursive: true, force: true });
    },
  };
  try {
    await broker.start();
  } catch (error) {
    await broker.end();
    throw error;
  }
  return broker;
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: '/' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}

function statusOf(program: string, args: readonly string[]): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore', cwd: '/' });
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
}

/** Redis answers before it has read its file, with an error. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.on('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address && typeof address === 'object') resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
