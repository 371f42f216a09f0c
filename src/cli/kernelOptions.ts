/** Options and help of `sotto kernel`. */
import { DEVICE_OPTIONS } from '../devices/options.ts';
import { kernels } from '../kernels/registry.ts';
import { PROGRAMS } from '../lab/program/checkProgram.ts';
import { TUNED_NAMES } from '../lab/tune/sizes.ts';
import type { OptionTable } from '../options/spec.ts';
import { ADAPTER_OPTIONS } from '../runtime/adapterOptions.ts';

export const KERNEL_OPTIONS = {
  device: {
    kind: 'choice',
    choices: ['all', 'cpu', 'webgpu'],
    default: 'all',
    where: ['command'],
    group: 'model',
    help: 'Where to run; "all" leaves out what is not here.',
  },
  adapter: { ...ADAPTER_OPTIONS.adapter, where: ['command'] },
  threads: {
    kind: 'integer',
    min: 1,
    max: DEVICE_OPTIONS.threads.max,
    where: ['command'],
    group: 'model',
    help: 'Threads of the CPU device.',
    none: 'all.',
  },
  checkOnly: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: 'Do not time.',
    command: { flag: true },
  },
  printWgsl: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: 'Print the code of one variant for one case, to edit it.',
    command: { flag: true },
  },
  wgsl: {
    kind: 'text',
    where: ['command'],
    group: 'model',
    help: 'Run the code of this file in place of the variant that it was printed from.',
    none: "the kernel's own.",
    command: { placeholder: 'FILE' },
  },
  variant: {
    kind: 'text',
    where: ['command'],
    group: 'model',
    help: 'The variant to print, or that the file was made of.',
    none: 'as the first line of the file says, or the first that runs.',
    command: { placeholder: 'NAME' },
  },
  case: {
    kind: 'integer',
    min: 1,
    where: ['command'],
    group: 'model',
    help: 'The same for the case, by its number.',
    none: 'as the variant.',
  },
  json: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: 'With wgsl: print all that was found as JSON.',
    command: { flag: true },
  },
  watch: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: 'With wgsl: run it again after every save, until Ctrl-C.',
    command: { flag: true },
  },
  trace: {
    kind: 'text',
    where: ['command'],
    group: 'output',
    help: 'Write what the devices did and when to this file, for ui.perfetto.dev.',
    none: 'no file.',
    command: { placeholder: 'FILE' },
  },
  spirv: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: "Print what Dawn's compiler makes of the code of one variant for one case.",
    command: { flag: true },
  },
  program: {
    kind: 'choice',
    choices: PROGRAMS,
    where: ['command'],
    group: 'model',
    help: 'Check a whole program of a small random model beside f64: the encoder, or a prompt and a token.',
    none: 'kernels by themselves.',
  },
  tune: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'model',
    help: 'Measure which variants are the fastest on this GPU at the sizes of models, and keep it for later runs.',
    command: { flag: true },
  },
  model: {
    kind: 'choices',
    choices: TUNED_NAMES,
    default: ['turbo'],
    where: ['command'],
    group: 'model',
    help: 'With tune: the models whose sizes are measured, by their names. Nothing is fetched.',
    command: { short: 'm', placeholder: 'NAME,...' },
  },
  dtype: {
    kind: 'choices',
    choices: DEVICE_OPTIONS.dtype.choices,
    default: ['auto'],
    where: ['command'],
    group: 'model',
    help: 'With tune: how their weights are stored. auto: as their files have them.',
    command: { placeholder: 'TYPE,...' },
  },
  patience: {
    kind: 'integer',
    min: 1,
    default: 60,
    where: ['command'],
    group: 'model',
    help: 'With wgsl: seconds after which a GPU that does not come back is given up.',
  },
} as const satisfies OptionTable;

export const KERNEL_HELP: string = `sotto kernel: checks a kernel, then times it.

Usage:  sotto kernel NAME|all [--device cpu|webgpu|all] [--adapter NAME] [--threads N] [--check_only]
        sotto kernel NAME --print_wgsl [--variant NAME] [--case N]
        sotto kernel NAME --wgsl FILE [--check_only] [--json] [--watch] [--trace FILE] [--patience N]
        sotto kernel [NAME --wgsl FILE] --program encoder|token
        sotto kernel NAME --spirv [--wgsl FILE] [--variant NAME] [--case N]
        sotto kernel --tune [NAME...] [--model NAME,...] [--dtype TYPE,...] [--adapter NAME]

Examples:
  sotto kernel matmul                    every case, device and variant: worst error, then time and share of the roofline
  sotto kernel attention --device cpu
  sotto kernel all --check_only          the conformance suite, in words
  sotto kernel --program token           a prompt and a token beside f64: the first command that parts
  sotto kernel layerNorm --print_wgsl > mine.wgsl
                                         the code of the first variant, to change something in it ...
  sotto kernel layerNorm --wgsl mine.wgsl
                                         ... and to see where it is wrong or, when right in every case, how fast
  sotto kernel layerNorm --wgsl mine.wgsl --watch --check_only
                                         ... after every save
  sotto kernel --tune --model base,turbo which variants are the fastest here: kept, and used from then on

The code that is printed is for one case; what you change is carried over to the others. Sizes are numbers in it: write new code
with their names (nState), which are constants of each case. Every error has the line of your file. A loop that never ends is given up
after --patience seconds.

--tune takes minutes. It measures with WebGPU, in turn, each variant that is right, at the sizes of --model (turbo) and for few rows and
many; one that wins by more than the times spread is preferred to the rules of thumb. The file is in the folder tuning of the cache
($SOTTO_CACHE); "sotto --tuned False" does without it.

An error of 1.00 is the whole tolerance. Kernels: ${kernels.map((m) => m.kernel.name).join(', ')}.
`;
