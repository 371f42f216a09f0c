/**
 * A device that runs two at once, command by command: the one in question, and one in f64. Each command is held against its
 * reference on the very inputs that the device has at that moment, so that the first one that is wrong is named and not those
 * that suffer from it; what errors within the tolerance have added up to is the distance from the device in f64.
 */
import { KernelError } from '../../base/errors.ts';
import type { Device, Executable } from '../../engine/device.ts';
import { elementCount, type HostArray, storageType } from '../../engine/dtype.ts';
import type { HostArrays, KernelModule } from '../../engine/kernel.ts';
import { type Command, type Tensor, uses } from '../../engine/program.ts';
import { type Comparison, compare } from '../compare.ts';
import { type StepPlace, steppedDevice } from '../steppedDevice.ts';

export interface CommandCheck {
  /** Name of the program, such as `encoder.layer0`. */
  readonly program: string;
  /** Of the command in it, from 0. */
  readonly index: number;
  readonly kernel: string;
  readonly variant: string;
  /** Sizes and parameters. */
  readonly title: string;
  readonly right: boolean;
  /** Largest |error| over its tolerance, on the device's own inputs. */
  readonly worst: number;
  readonly outputs: readonly Comparison[];
  /** Sentences; empty when right. */
  readonly failures: readonly string[];
  /** Largest distance from the run in f64 over the largest value there; 0 for integers. */
  readonly drift: number;
}

export interface LockstepOptions {
  /** With references and tolerances of all that is run. */
  readonly modules: readonly KernelModule[];
  /** Kernels that are run in place of those of the same name, where one of their variants fits. */
  readonly edited?: readonly KernelModule[] | undefined;
  /** Programs that are looked at; the others run. */
  isChecked(program: string): boolean;
  /** Called before each command that is looked at. */
  onStart?(program: string, kernel: string): void;
  onCommand(check: CommandCheck): void;
}

interface Step {
  readonly command: Command;
  readonly ready: Executable;
  readonly twin: Executable;
}

/** @param oracle empty, with the panel widths of `device` */
export function lockstepDevice(device: Device, oracle: Device, options: LockstepOptions): Device {
  const modules = new Map(options.modules.map((module) => [module.kernel.name, module]));
  const twins = new Map<Tensor, Tensor>();
  const twinOf = (tensor: Tensor): Tensor => {
    let twin = twins.get(tensor);
    if (!twin) {
      twin = oracle.allocate(tensor.name, tensor.dtype, tensor.shape, 'state');
      twins.set(tensor, twin);
    }
    return twin;
  };

  const withEdit = async (command: Command): Promise<Command> => {
    const edit = options.edited?.find(({ kernel }) => kernel.name === command.kernel.name);
    if (!edit) return command;
    const changed = { ...command, kernel: edit.kernel };
    return (await device.variants(changed, command.dims.rows)).length > 0 ? changed : command;
  };

  const check = async (step: Step, { program, index }: StepPlace, rows: number | undefined): Promise<void> => {
    const { command } = step;
    const { kernel, dims, params } = command;
    const module = modules.get(kernel.name);
    if (!module) throw new KernelError('unknown', `There is no reference of ${kernel.name}.`);
    options.onStart?.(program, kernel.name);
    const liveRows = rows ?? dims.rows ?? 0;
    const values: HostArrays = {};
    for (const [name, tensor] of Object.entries(command.args)) values[name] = await valuesOf(device, tensor);
    run(step, rows);
    module.reference(values, dims, params, liveRows);
    const variant = command.variant ?? (await device.variants(command, dims.rows && liveRows))[0] ?? '';
    const outputs: Comparison[] = [];
    let drift = 0;
    for (const { arg, tensor, access } of uses(command)) {
      if (access === 'read') continue;
      const perRow = elementCount(tensor.shape.slice(1));
      const count = kernel.args[arg]?.dims[0] === 'rows' ? liveRows * perRow : elementCount(tensor.shape);
      const actual = await valuesOf(device, tensor);
      const named = { ...tensor, name: arg };
      outputs.push(compare(named, actual, values[arg]!, count, module.tolerance(dims, params, arg, variant)));
      drift = Math.max(drift, distance(actual, await valuesOf(oracle, twinOf(tensor)), count));
    }
    const sizes = Object.entries({ ...dims, ...(dims.rows !== undefined && { rows: liveRows }), ...params });
    const failures = outputs.flatMap((output) => output.failure ?? []);
    options.onCommand({
      program,
      index,
      kernel: kernel.name,
      variant,
      title: sizes.map(([name, size]) => `${name} ${size}`).join(' '),
      right: failures.length === 0,
      worst: Math.max(0, ...outputs.map(({ ratio }) => ratio)),
      outputs,
      failures,
      drift,
    });
  };

  const run = ({ command, ready, twin }: Step, rows: number | undefined): void => {
    const submit = command.dims.rows === undefined || rows === undefined ? {} : { rows };
    device.submit(ready, submit);
    oracle.submit(twin, submit);
  };

  return steppedDevice<Step>(device, {
    description: `${device.description}, beside f64`,
    replaced: withEdit,
    async prepare(single, ready, command) {
      const args = Object.entries(command.args).map(([name, tensor]) => [name, twinOf(tensor)]);
      const commands = [{ ...command, args: Object.fromEntries(args) }];
      const [twin] = await oracle.prepare([{ ...single, commands }]);
      return { command, ready, twin: twin! }; // of one program
    },
    async run(step, place, rows) {
      if (options.isChecked(place.program)) await check(step, place, rows);
      else run(step, rows);
    },
    write: (target, data, offset) => oracle.write(twinOf(target), data, offset),
    free(tensor) {
      const twin = twins.get(tensor);
      if (twin) oracle.free(twin);
      twins.delete(tensor);
    },
    close: () => oracle.close(),
  });
}

async function valuesOf(device: Device, tensor: Tensor): Promise<HostArray> {
  return storageType(tensor.dtype)
    .widen(await device.read(tensor), tensor.shape)
    .slice();
}

function distance(actual: HostArray, exact: HostArray, count: number): number {
  if (!(actual instanceof Float32Array)) return 0;
  let [furthest, largest] = [0, 0];
  for (let i = 0; i < count; i++) {
    // Masked values would hide all others.
    if (Math.abs(exact[i]!) > 1e29) continue;
    const far = Math.abs(actual[i]! - exact[i]!);
    furthest = Number.isNaN(far) ? Number.POSITIVE_INFINITY : Math.max(furthest, far);
    largest = Math.max(largest, Math.abs(exact[i]!));
  }
  return furthest === 0 ? 0 : furthest / largest;
}
