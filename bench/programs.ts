/**
 * What does a window and a token of every size ask of a GPU: dispatches, submits, maps, bytes, workgroups, memory? Counted
 * from the recorded programs, without weights and without a GPU; writes bench/results/programs.md.
 *
 *   node dist/bench/programs.js [--sizes tiny,large-v3] [--dtypes f32,f16,int8] [--features] [--save]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WEIGHT_TYPES, type WeightType } from '../src/engine/dtype.ts';
import type { Program, Tensor } from '../src/engine/program.ts';
import type { ModelDimensions } from '../src/model/dims.ts';
import { publishedSizes } from '../src/model/publishedSizes.ts';
import { type NullModel, openNullModel, type Submitted } from '../test/support/nullModel.ts';
import { repoRoot } from '../test/support/paths.ts';
import { describeMachine } from './machine.ts';
import { stepBytes } from './programBytes.ts';

const SIZES = ['tiny', 'base', 'small', 'medium', 'large-v3', 'large-v3-turbo'];
const TOKENS = 128;
/** Multiprocessors of the card that is to be filled: an H100. */
const MULTIPROCESSORS = 132;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: SIZES.join() },
    dtypes: { type: 'string', default: 'f32,f16,int8' },
    features: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});

const machine = describeMachine();
// The host's bursts follow a clock: of a GPU that takes 5 us a dispatch and tells that it is done after 0.1 ms.
let now = 0;
performance.now = () => now;
const clock = {
  onDispatch() {
    now += 0.005;
  },
  onMap() {
    now += 0.1;
  },
};

const steps = [
  '| size | weights | windows | rows | dispatches a step | 8 L + 3 | submits a token | maps a token | bytes read a token and row | MB a step | of the floor | products of fewer than 264 workgroups | fewest |',
  '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
];
const windows = [
  '| size | weights | windows | dispatches a window | submits a window | weights MB | caches MB | scratch MB | tables MB |',
  '|---|---|---|---|---|---|---|---|---|',
];
for (const size of values.sizes.split(',')) {
  const dims: ModelDimensions | undefined = Object.entries(publishedSizes).find(([name]) => name === size)?.[1];
  if (!dims) throw new Error(`no size ${size}`);
  for (const dtype of WEIGHT_TYPES.filter((type) => values.dtypes.split(',').includes(type)))
    for (const count of [1, 16]) for (const beams of [undefined, 5]) await countOne(size, dims, dtype, count, beams);
}
const text = `${steps.join('\n')}\n\n${windows.join('\n')}\n`;
console.log(text);
if (values.save) save(text);

async function countOne(
  size: string,
  dims: ModelDimensions,
  dtype: WeightType,
  count: number,
  beams: number | undefined,
): Promise<void> {
  const cacheDtype = dtype === 'f32' ? 'f32' : 'f16';
  const given = { dtype, cacheDtype, windows: count } as const;
  const model = await openNullModel(dims, given, { ...clock, hasFeatures: values.features });
  const { counts } = model.gpu;
  const encoded = [...model.submitted];
  const encodeSubmits = counts.submits;
  const decode = (): Promise<void> => model.decode({ ...(beams && { beams }), tokens: TOKENS });
  // Programs are prepared, and the host knows the GPU's pace.
  await decode();
  const before = { ...counts };
  const from = model.submitted.length;
  await decode();
  const wrong = await model.gpu.errors();
  if (wrong.length > 0) throw new Error(`${size}: ${wrong[0]}`);
  const ran = model.submitted.slice(from).filter(({ program }) => /step(Beams)?$/.test(program.name));
  const rows = count * (beams ?? 1);
  // Where not all rows have room at once, the steps of the parts are of one token.
  const parts = new Map(ran.map((step) => [step.program, step]));
  const dispatches = [...parts.values()].flatMap(({ dispatches, times }) =>
    dispatches.slice(0, dispatches.length / times),
  );
  const first = [...parts.keys()].map((program) => {
    const [own = rows] = program.commands.flatMap(({ args }) => args.rowState?.shape.slice(0, 1) ?? []);
    const windows = own / (beams ?? 1);
    return stepBytes(program, model.weights, { rows: own, windows, positions: TOKENS / 2 });
  });
  const bytes = first.reduce((sum, each) => sum + each.bytes, 0);
  const floor = first.reduce((sum, each) => sum + each.floor, 0);
  const kernels = new Set([...parts.keys()].flatMap(productKernels));
  const products = dispatches.filter(({ label }) => kernels.has(label.split(':')[0]!));
  const small = products.filter(({ workgroups }) => workgroups < 2 * MULTIPROCESSORS);
  const fewest = products.reduce((least, each) => (each.workgroups < least.workgroups ? each : least));
  const name = `${dtype}${cacheDtype === dtype ? '' : `, caches ${cacheDtype}`}`;
  const each = (value: number): string => (value / TOKENS).toFixed(3);
  steps.push(
    row(
      size,
      name,
      count,
      parts.size > 1 ? `${rows} in ${parts.size} parts` : rows,
      dispatches.length,
      8 * dims.nTextLayer + 3,
      each(counts.submits - before.submits),
      each(counts.maps - before.maps),
      ((counts.readBytes - before.readBytes) / TOKENS / rows).toFixed(1),
      (bytes / 1e6).toFixed(1),
      (bytes / floor).toFixed(3),
      `${small.length} of ${products.length}`,
      `${fewest.workgroups} (${fewest.label})`,
    ),
  );
  if (beams) windows.push(memoryRow(size, name, count, model, encoded, encodeSubmits));
  await model.close();
}

/** Names of the kernels that multiply by weights: what they bind lies in panels. */
function productKernels({ commands }: Program): string[] {
  const isPanels = ({ lifetime, shape }: Tensor): boolean => lifetime === 'weights' && shape.length === 3;
  const multiply = commands.filter(({ kernel, args }) => kernel.name !== 'embed' && Object.values(args).some(isPanels));
  return multiply.map(({ kernel }) => kernel.name);
}

function memoryRow(
  size: string,
  name: string,
  count: number,
  { gpu, inference, audio }: NullModel,
  encoded: readonly Submitted[],
  submits: number,
): string {
  const held = [...gpu.held()];
  const sum = (of: (label: string) => boolean): number =>
    held.filter(([label]) => of(label)).reduce((total, [, bytes]) => total + bytes, 0);
  const isCache = (label: string): boolean => /^(self|cross)\.(keys|values)/.test(label);
  const isScratch = (label: string): boolean => label.startsWith('scratch of');
  const [caches, scratch] = [sum(isCache), sum(isScratch)];
  const rest = sum(() => true) - caches - scratch - inference.weightBytes;
  const dispatches = encoded.reduce((total, each) => total + each.dispatches.length, 0);
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
  const perWindow = (value: number): number => Math.round(value / audio.length);
  return row(
    size,
    name,
    count,
    perWindow(dispatches),
    perWindow(submits),
    ...[inference.weightBytes, caches, scratch, rest].map(mb),
  );
}

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function save(tables: string): void {
  const { date, commit } = machine;
  writeFileSync(
    join(repoRoot, 'bench/results/programs.md'),
    `# What the programs ask of a GPU

\`node dist/bench/programs.js --save\`, ${date.slice(0, 10)}, commit ${commit}. Counted, not measured: the variants for hardware
adapters${values.features ? ' with all optional features' : ' without optional features'}, within WebGPU's default limits, on Dawn's null backend, which validates and computes nothing.
\`test/model/sizes.test.ts\` keeps them valid. The second of two decodings of ${TOKENS} tokens, with its prompt and what is read at its
end, by a played clock: a dispatch takes 5 us, word of it 0.1 ms.

MB a step: what the commands bind and use, weights and tables whole, of the caches the windows and ${TOKENS / 2} positions of text; the
floor is weights and caches in use, each once. ${2 * MULTIPROCESSORS} workgroups are two for each multiprocessor of an H100. Memory is that of five beams
after a prompt of three tokens a window.

${tables}`,
  );
}
