/** Where and when a figure was taken: without it a figure says nothing. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { repoRoot } from '../test/support/paths.ts';

export interface Machine {
  /** ISO 8601, to the minute, UTC. */
  readonly date: string;
  /** Short hash; a plus sign behind it if what was measured was changed since. */
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly platform: string;
  readonly node: string;
  /** Of the last minute: above the number of cores others were at work too. */
  readonly loadAverage: number;
}

/** The present process's. */
export function describeMachine(): Machine {
  const cores = cpus();
  return {
    date: `${new Date().toISOString().slice(0, 16)}Z`,
    commit: commit(),
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    loadAverage: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: repoRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'weights');
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}
