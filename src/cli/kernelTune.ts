/**
 * `sotto kernel --tune`: measures which variants of the kernels are the fastest on this GPU, and keeps that for the runs that
 * follow. What was measured before at other sizes stays, and what is measured by Ctrl-C is kept.
 */
import { dirname } from 'node:path';
import { InternalError, OptionsError, OutputError } from '../base/errors.ts';
import { openGpu } from '../devices/choose.ts';
import type { WeightType } from '../engine/dtype.ts';
import type { KernelModule } from '../engine/kernel.ts';
import { tryFolder } from '../files/outputFolder.ts';
import { kernels } from '../kernels/registry.ts';
import type { KernelUse } from '../lab/tune/modelUses.ts';
import { sizesOf, type TunedName } from '../lab/tune/sizes.ts';
import { tuneDevice } from '../lab/tune/tuneDevice.ts';
import { identityOf, readTableFile, tablePath, writeTableFile } from '../tuning/nodeTableFile.ts';
import { runtimeOf } from '../tuning/nodeTuning.ts';
import {
  type AdapterIdentity,
  type MeasuredUse,
  type RangeChoice,
  TableFault,
  type Times,
  type TuningTable,
} from '../tuning/table.ts';
import { deviceLine } from './deviceLine.ts';
import { type CommandIo, EXIT } from './io.ts';
import { hostPlatform } from './platform.ts';
import { manifest } from './version.ts';

interface TuneSettings {
  readonly adapter?: string | undefined;
  readonly model: readonly TunedName[];
  readonly dtype: readonly (WeightType | 'auto')[];
}

/** @param names kernels; all when there is none @throws {OptionsError} `kernelName`, {DeviceError}, {OutputError} */
export async function tuneCommand(
  names: readonly string[],
  { adapter: wanted, model, dtype }: TuneSettings,
  io: CommandIo,
): Promise<number> {
  const modules = modulesOf(names);
  let adapter: AdapterIdentity | undefined;
  const platform = hostPlatform({ adapter: wanted });
  const device = await openGpu({
    ...platform,
    async tuning(info) {
      adapter = identityOf(info, runtimeOf(platform));
      return undefined; // the rules of thumb are what is measured against
    },
  });
  try {
    if (!adapter) throw new InternalError('the device did not say what it is');
    const identity: AdapterIdentity = adapter;
    const path = tablePath(identity);
    checkFolder(path);
    io.stdout.write(`${deviceLine(device)}\n`);
    const before = earlierTable(path, identity, io);
    const started = performance.now();
    let shown: KernelUse | undefined;
    const title = (use: KernelUse, place = ''): void => {
      if (shown !== use) io.stdout.write(`${place}${titleOf(use)}\n`);
      shown = use;
    };
    const measured = new Map<string, MeasuredUse>();
    const keep = (): void => {
      if (measured.size === 0) return;
      const choices = [...measured.values()].flatMap(({ ranges }) => ranges);
      const won = choices.filter(({ variant }) => variant !== undefined).length;
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      const uses = new Map([...(before?.uses ?? []), ...measured]);
      writeTableFile(path, { adapter: identity, madeBy: manifest().version, date: new Date().toISOString(), uses });
      io.stdout.write(`\n${won} of ${choices.length} choices differ from the rules of thumb (${seconds} s)\n`);
      io.stdout.write(`kept in ${path}\n`);
    };
    try {
      await tuneDevice(device, modules, sizesOf(model, dtype), {
        signal: AbortSignal.any([io.signal, io.stdoutClosed]),
        onWrong(use, variant, why) {
          title(use);
          io.stdout.write(`  WRONG ${variant}, not to be chosen: ${why}\n`);
        },
        onRange(use, range, done, total) {
          title(use, `${done + 1} of ${total}  `);
          io.stdout.write(rangeLines(range));
        },
        onUse: (key, use) => measured.set(key, use),
      });
    } finally {
      // What was measured before Ctrl-C, or before the GPU was lost, counts too.
      keep();
    }
    if (measured.size === 0) {
      io.stdout.write(
        'There is nothing to choose: these kernels have one variant here, or are not used by these models.\n',
      );
    }
    return EXIT.ok;
  } finally {
    await device.close();
  }
}

function modulesOf(names: readonly string[]): readonly KernelModule[] {
  if (names.length === 0 || names.includes('all')) return kernels;
  return names.map((name) => {
    const module = kernels.find(({ kernel }) => kernel.name === name);
    if (module) return module;
    throw new OptionsError('kernelName', `There is no kernel "${name}".`, {
      hint: `Kernels: ${kernels.map((m) => m.kernel.name).join(', ')}.`,
    });
  });
}

/** Minutes of work are not to end at a folder that cannot be written to. */
function checkFolder(path: string): void {
  try {
    tryFolder(dirname(path));
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    throw new OutputError(error.code, error.message, { hint: 'SOTTO_CACHE may name another folder.', cause: error });
  }
}

function earlierTable(path: string, adapter: AdapterIdentity, io: CommandIo): TuningTable | undefined {
  try {
    return readTableFile(path, adapter);
  } catch (error) {
    if (!(error instanceof TableFault)) throw error;
    io.stderr.write(`${path} ${error.message}: it will be replaced.\n`);
    return undefined;
  }
}

/** The kernel, its sizes, and what is not stored in f32. */
function titleOf({ command: { kernel, dims, params, args } }: KernelUse): string {
  const sizes = Object.entries({ ...dims, ...params }).filter(([name]) => name !== 'rows' && !/^panel/.test(name));
  const types = Object.entries(args).filter(([, { dtype }]) => dtype !== 'f32' && dtype !== 'u32');
  const words = [
    ...sizes.map(([name, size]) => `${name} ${size}`),
    ...types.map(([name, t]) => `${name} in ${t.dtype}`),
  ];
  return [kernel.name, ...words].join(' ');
}

function rangeLines({ upTo, variant, rule, points }: RangeChoice): string {
  const what = variant === undefined ? `${rule} stays` : `${variant} in place of ${rule}`;
  const ms = ([name, { least, quartile }]: readonly [string, Times]): string =>
    `${name} ${least.toPrecision(3)} (${quartile.toPrecision(3)})`;
  const rows = upTo === undefined ? 'more rows' : `up to ${upTo} rows`;
  const lines = points.map(
    ({ rows: at, times }) => `      ${at === 0 ? '' : `${at}: `}ms ${[...times].map(ms).join(', ')}\n`,
  );
  return `    ${points.some(({ rows: at }) => at > 0) ? `${rows}: ` : ''}${what}\n${lines.join('')}`;
}
