/** A platform whose GPUs are used as they were tuned: with the tables that `sotto kernel --tune` has kept on this machine. */
import { SottoError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { FindTuning } from '../engine/wgsl/tuning.ts';
import type { Platform } from '../runtime/platform.ts';
import type { TuningOptions } from './options.ts';

/** What is tuned for is what compiles: Deno's wgpu makes other code of a shader than Dawn does. */
export function runtimeOf({ name }: Platform): string {
  return name === 'deno' ? 'wgpu' : 'dawn';
}

export function withTuning(
  platform: Platform,
  { tuned = true, onWarning }: TuningOptions & Pick<CallOptions, 'onWarning'>,
): Platform {
  if (!tuned) return platform;
  // A device that is lost is opened again: once is enough for a sentence.
  const told = new Set<string>();
  const tell = (message: string): void => {
    if (!told.has(message)) onWarning?.({ code: 'notTuned', message });
    told.add(message);
  };
  const tuning: FindTuning = async (info, gpu) => {
    const [{ identityOf, readTableFile, tablePath }, { preferencesOf }, { TableFault }] = await Promise.all([
      import('./nodeTableFile.ts'),
      import('./prefer.ts'),
      import('./table.ts'),
    ]);
    let path = '';
    try {
      const adapter = identityOf(info, runtimeOf(platform));
      path = tablePath(adapter);
      const table = readTableFile(path, adapter);
      return (
        table &&
        preferencesOf(table, gpu, () => tell(notUsed(path, 'is of another version of sotto, at least in part')))
      );
    } catch (error) {
      if (error instanceof TableFault) tell(notUsed(path, error.message));
      // No folder to keep anything in: nothing was.
      else if (!(error instanceof SottoError)) throw error;
      return undefined;
    }
  };
  return { ...platform, tuning };
}

function notUsed(path: string, why: string): string {
  return `${path} ${why}: rules of thumb choose the kernels. To measure again: sotto kernel --tune`;
}
