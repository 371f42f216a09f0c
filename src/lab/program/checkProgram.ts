/** A whole program held against f64: the encoder, or a prompt and a token of the decoder, of a small model with random weights. */
import { OptionsError } from '../../base/errors.ts';
import { randomStream, seedOf } from '../../base/random.ts';
import type { Device } from '../../engine/device.ts';
import { elementCount } from '../../engine/dtype.ts';
import type { KernelModule } from '../../engine/kernel.ts';
import { kernels } from '../../kernels/registry.ts';
import type { ModelDimensions } from '../../model/dims.ts';
import { createInference } from '../../model/inference.ts';
import type { TensorReader } from '../../model/tensorData.ts';
import { type TensorSpec, tensorSpecs } from '../../model/tensorSpec.ts';
import type { LogitRules } from '../../rules/logitRules.ts';
import { deviceWith } from '../deviceWith.ts';
import { type CommandCheck, lockstepDevice } from './lockstep.ts';

/** `encoder`: all of its layers. `token`: a prompt of three tokens, and the token after it. */
export const PROGRAMS = ['encoder', 'token'] as const;
export type ProgramName = (typeof PROGRAMS)[number];

export interface ProgramOptions {
  readonly program: ProgramName;
  /** Of the model; a small one with heads of 64 when absent. */
  readonly dims?: ModelDimensions | undefined;
  /** Of the weights and the sound; 1 when absent. */
  readonly seed?: number | undefined;
  /** As `forkModule` makes them: run in place of the kernels of the same name. */
  readonly edited?: readonly KernelModule[] | undefined;
  /** Before each command, and after it. */
  readonly onStart?: ((program: string, kernel: string) => void) | undefined;
  readonly onCommand?: ((check: CommandCheck) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ProgramReport {
  readonly program: ProgramName;
  readonly device: string;
  readonly dims: ModelDimensions;
  /** In the order of the run. */
  readonly commands: readonly CommandCheck[];
  readonly right: boolean;
  /** The first command that parts from its reference by more than it may. */
  readonly firstWrong?: CommandCheck;
}

export const SMALL_MODEL: ModelDimensions = {
  nMels: 8,
  nAudioCtx: 40,
  nAudioState: 128,
  nAudioHead: 2,
  nAudioLayer: 2,
  nVocab: 151,
  nTextCtx: 20,
  nTextState: 128,
  nTextHead: 2,
  nTextLayer: 2,
};

const RULES: LogitRules = { eot: 100, noSpeech: 104, suppress: [3, 101, 102, 103, 104], suppressAtStart: [7, 100] };
const PROMPT = [101, 5, 102];

/**
 * @param device is used, not closed; all that is put on it is freed
 * @param oracle `createReferenceDevice` with the panel widths of `device`; is closed
 * @throws {DeviceError} `lost`; the signal's reason
 */
export async function checkProgram(
  device: Device,
  oracle: Device,
  { program, dims = SMALL_MODEL, seed = 1, edited, onStart, onCommand, signal }: ProgramOptions,
): Promise<ProgramReport> {
  if (!PROGRAMS.includes(program))
    throw new OptionsError('program', `There is no program "${program}".`, {
      hint: `There are: ${PROGRAMS.join(', ')}.`,
    });
  const commands: CommandCheck[] = [];
  const held = holding(device);
  const lockstep = lockstepDevice(held.device, oracle, {
    modules: kernels,
    edited,
    isChecked: (name) => name.startsWith('encoder.') === (program === 'encoder'),
    onStart(name, kernel) {
      signal?.throwIfAborted();
      onStart?.(name, kernel);
    },
    onCommand(check) {
      commands.push(check);
      onCommand?.(check);
    },
  });
  try {
    const inference = await createInference(lockstep, dims, randomReader(dims, seed), { signal });
    const audio = await inference.encode(randomMel(dims, seed));
    // What was submitted has run when something is read.
    await inference.encoderOutput();
    if (program === 'token') {
      const group = { audio, initialTokens: PROMPT, sotIndex: 0, rows: 1 };
      const decoding = await inference.start([group], RULES);
      const { tokens } = await decoding.candidates(1);
      decoding.advance(tokens);
      await decoding.candidates(1);
    }
  } finally {
    held.freeAll();
    await oracle.close();
  }
  const firstWrong = commands.find(({ right }) => !right);
  return { program, device: device.description, dims, commands, right: !firstWrong, ...(firstWrong && { firstWrong }) };
}

/** The device, with all that is allocated on it given back at once. */
function holding(device: Device): { readonly device: Device; freeAll(): void } {
  const tensors = new Set<ReturnType<Device['allocate']>>();
  const noted: Pick<Device, 'allocate' | 'free'> = {
    allocate(...args) {
      const tensor = device.allocate(...args);
      tensors.add(tensor);
      return tensor;
    },
    free(tensor) {
      tensors.delete(tensor);
      device.free(tensor);
    },
  };
  return {
    device: deviceWith(device, noted),
    freeAll() {
      for (const tensor of tensors) device.free(tensor);
      tensors.clear();
    },
  };
}

/** Scaled so that activations stay near 1. */
function randomReader(dims: ModelDimensions, seed: number): TensorReader {
  const specs = tensorSpecs(dims);
  return {
    dtype: () => 'f32',
    async *pieces(name) {
      const spec = specs.get(name)!; // names are those of the specs
      const random = randomStream(seedOf(`${name} ${seed}`));
      const [scale, mean] = spread(spec);
      const values = Float32Array.from({ length: elementCount(spec.shape) }, () => mean + scale * (2 * random() - 1));
      yield { dtype: 'f32', values };
    },
  };
}

function spread({ name, shape, role }: TensorSpec): readonly [scale: number, mean: number] {
  if (role === 'positions') return [0.5, 0];
  if (role === 'vector') return name.endsWith('norm.weight') ? [0.2, 1] : [0.1, 0];
  return [1.7 / Math.sqrt(elementCount(shape.slice(1))), 0];
}

function randomMel({ nMels, nAudioCtx }: ModelDimensions, seed: number): Float32Array {
  const random = randomStream(seedOf(`mel ${seed}`));
  return Float32Array.from({ length: nMels * 2 * nAudioCtx }, () => 2 * random() - 1);
}
