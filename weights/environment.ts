/** The process around us, which may not be looked at everywhere: Deno asks for a permission, a container has no account. */
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import { environment, isPermitted } from '../src/runtime/environment.ts';

/** An environment variable; undefined when it is empty, not set, or not to be read. */
export function variable(name: string): string | undefined {
  return environment(name) || undefined;
}

/** For locks: which machine made them. */
export function machine(): string {
  return isPermitted({ name: 'sys', kind: 'hostname' }) ? hostname() : '';
}

/**
 * `$SOTTO_CACHE`, else `sotto` in the user's cache folder, which depends on the system.
 * @throws {WeightsError} `noCache` where there is no home folder
 */
export function defaultCache(): string {
  const chosen = variable('SOTTO_CACHE');
  if (chosen) return resolve(chosen);
  const isWindows = process.platform === 'win32';
  const isMac = process.platform === 'darwin';
  const folder = isMac ? undefined : variable(isWindows ? 'LOCALAPPDATA' : 'XDG_CACHE_HOME');
  if (folder) return isWindows ? join(folder, 'sotto', 'cache') : join(folder, 'sotto');
  const home = homeFolder();
  if (!home) {
    throw new WeightsError('noCache', 'There is no home folder in which models could be kept.', {
      hint: 'Set SOTTO_CACHE or HOME to a folder, name one (cacheDir, --model_dir), or give the folder of a model. Deno needs --allow-env and --allow-sys=homedir.',
    });
  }
  if (isWindows) return join(home, 'AppData', 'Local', 'sotto', 'cache');
  if (isMac) return join(home, 'Library', 'Caches', 'sotto');
  return join(home, '.cache', 'sotto');
}

function homeFolder(): string | undefined {
  if (!isPermitted({ name: 'sys', kind: 'homedir' })) return undefined;
  try {
    return homedir();
  } catch {
    return undefined; // without HOME and without an account there is none
  }
}
