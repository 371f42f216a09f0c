/** Tuning on a device whose clock is played: what wins is chosen where it won, what is wrong never, what is noise not. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { wgslKind } from '../../src/devices/webgpu/variants.ts';
import type { Device } from '../../src/engine/device.ts';
import { fittingVariants, loadVariants } from '../../src/engine/selectVariant.ts';
import { CORE_GPU } from '../../src/engine/wgsl/features.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { measureUse, winnerOf } from '../../src/lab/tune/measureUse.ts';
import { type KernelUse, modelUses } from '../../src/lab/tune/modelUses.ts';
import { sizesOf } from '../../src/lab/tune/sizes.ts';
import { tuneDevice } from '../../src/lab/tune/tuneDevice.ts';
import { caseOfUse } from '../../src/lab/tune/useCase.ts';
import { choiceKey } from '../../src/tuning/choiceKey.ts';
import { preferencesOf } from '../../src/tuning/prefer.ts';
import type { MeasuredPoint, MeasuredUse } from '../../src/tuning/table.ts';
import { choices, copyCommand, copyModule } from '../support/tunedCopy.ts';

const test = suite('lab/tune');
const module = copyModule();

interface Played {
  /** Milliseconds of a run with so many rows. */
  readonly ms: (variant: string, rows: number) => number;
  /** What these write is wrong, of more rows than so many. */
  readonly broken?: readonly string[];
  readonly brokenAbove?: number;
  readonly onMeasure?: (variant: string) => void;
}

/** The reference, with the variants of a GPU in hardware, which take the time that a test says. */
function played({ ms, broken = [], brokenAbove = 0, onMeasure }: Played): Device {
  const device = createReferenceDevice({ modules: [module] });
  const kind = wgslKind(false, CORE_GPU);
  return {
    ...device,
    get bytesHeld() {
      return device.bytesHeld;
    },
    async variants(command, liveRows) {
      return fittingVariants(command, await loadVariants([command], kind), liveRows).map(({ name }) => name);
    },
    submit(work, options) {
      device.submit(work, options);
      const [{ variant = '', args }] = work.program.commands as [(typeof work.program.commands)[0]]; // it has one
      if (broken.includes(variant) && (options?.rows ?? 0) > brokenAbove) device.write(args.y!, Float32Array.of(7));
    },
    async measure({ program }, { rows = 0, times = 1 } = {}) {
      const variant = program.commands[0]?.variant ?? '';
      onMeasure?.(variant);
      return times * ms(variant, rows);
    },
  };
}

function useOf(capacities: readonly number[], wholes: readonly number[] = []): KernelUse {
  const command = copyCommand(module, Math.max(...capacities, ...wholes));
  return { key: choiceKey(command), command, capacities: new Set(capacities), wholes: new Set(wholes) };
}

/** What a GPU would run of 100 rows, once it is tuned. */
async function tuned(device: Device, use: KernelUse): Promise<string> {
  const measured = await measureUse(device, module, use, new Map());
  const adapter = { runtime: '', vendor: '', architecture: '', device: '', description: '', backend: '' };
  const uses = new Map<string, MeasuredUse>(measured ? [[use.key, measured]] : []);
  const table = { adapter, madeBy: '', date: '', uses };
  const prefers = preferencesOf(table, CORE_GPU, () => assert.unreachable('stale'));
  assert.is(device.bytesHeld, 0);
  return choices(module, copyCommand(module, 100), prefers);
}

test('what was the fastest runs where it was, and nowhere else', async () => {
  const fewWins = played({ ms: (variant, rows) => (variant === 'any' ? (rows <= 8 ? 1 : 5) : 2) });
  assert.is(await tuned(fewWins, useOf([1, 8, 100])), 'any to 8, many to 100');
  const manyWins = played({ ms: (variant, rows) => (variant === 'any' ? (rows > 64 ? 1 : 5) : 2) });
  assert.is(await tuned(manyWins, useOf([1, 8, 100])), 'few to 8, any to 100');
  const rulesWin = played({ ms: (variant) => (variant === 'any' ? 3 : 2) });
  assert.is(await tuned(rulesWin, useOf([1, 8, 100])), 'few to 8, many to 100');
  // Nobody asks for many rows, so nothing is measured of them.
  const alwaysWins = played({ ms: (variant) => (variant === 'any' ? 1 : 2) });
  assert.is(await tuned(alwaysWins, useOf([1, 5])), 'any to 8, many to 100');
  // The encoder has all its rows or none.
  assert.is(await tuned(alwaysWins, useOf([1], [100])), 'any to 100');
});

test('at both ends of a range it is not slower', async () => {
  const oneAlone = played({ ms: (variant, rows) => (variant === 'any' ? (rows === 1 ? 0.1 : 2.5) : 2) });
  assert.is(await tuned(oneAlone, useOf([1, 8])), 'few to 8, many to 100');
  assert.is(await tuned(oneAlone, useOf([1])), 'any to 8, many to 100');
});

test('what is wrong here is never chosen, nor measured', async () => {
  const measuredNames = new Set<string>();
  const onMeasure = (variant: string): void => void measuredNames.add(variant);
  const anyBroken = played({ ms: (variant) => (variant === 'any' ? 1 : 2), broken: ['any'], onMeasure });
  const measured = await measureUse(anyBroken, module, useOf([1, 100]), new Map());
  assert.equal(measured?.wrong, ['any']);
  assert.equal(
    measured?.ranges.map(({ variant }) => variant),
    [undefined, undefined, undefined],
  );
  assert.not(measuredNames.has('any'));
  // Even if that leaves one alone, slow as it may be.
  const ruleBroken = played({ ms: (variant) => (variant === 'any' ? 9 : 2), broken: ['few'] });
  assert.is(await tuned(ruleBroken, useOf([1, 100])), 'any to 8, many to 100');
});

test('what is wrong at a real size alone is not chosen, nor for fewer rows', async () => {
  const device = (brokenAbove: number) =>
    played({ ms: (variant) => (variant === 'any' ? 1 : 2), broken: ['any'], brokenAbove });
  const measured = await measureUse(device(80), module, useOf([1, 100]), new Map());
  assert.equal(measured?.wrong, ['any']);
  assert.is(measured?.ranges.at(-1)?.variant, undefined);
  assert.is(await tuned(device(80), useOf([1, 100])), 'few to 8, many to 100');
  assert.is(await tuned(device(100), useOf([1, 100])), 'any to 100');
});

test('a gain within the spread of times is none', async () => {
  // Each series of a variant takes so many times as long as the one before.
  const noisy = (growth: number): Device => {
    const series = new Map<string, number>();
    return played({
      ms(variant) {
        const before = series.get(variant) ?? 0;
        series.set(variant, before + 1);
        return (variant === 'any' ? 18 : 20) * growth ** before;
      },
    });
  };
  assert.is(await tuned(noisy(1), useOf([8])), 'any to 8, many to 100');
  assert.is(await tuned(noisy(1.05), useOf([8])), 'any to 8, many to 100');
  assert.is(await tuned(noisy(1.2), useOf([8])), 'few to 8, many to 100');
});

test('the winner of points', () => {
  const point = (times: Readonly<Record<string, readonly [number, number]>>): MeasuredPoint => {
    return {
      rows: 1,
      times: new Map(
        Object.entries(times).map(([name, [least, quartile]]) => [name, { least, quartile, median: quartile }]),
      ),
    };
  };
  const rows: readonly (readonly [MeasuredPoint[], string | undefined])[] = [
    [[], undefined],
    [[point({ a: [2, 2], b: [1, 1] })], 'b'],
    [[point({ a: [2, 2], b: [1.97, 1.97] })], undefined],
    [[point({ a: [2, 2], b: [1.9, 1.9] })], 'b'],
    [[point({ a: [2, 2.2], b: [1.9, 1.9] })], undefined],
    [[point({ a: [2, 2], b: [1.9, 2.1] })], undefined],
    [[point({ a: [2, 2], b: [1.5, 1.5], c: [1, 1] })], 'c'],
    // The rule was several times slower, and left out.
    [[point({ b: [1, 1] })], 'b'],
    [[point({ c: [2, 2], b: [1, 1] })], 'b'],
    // So was b at the second point.
    [[point({ a: [2, 2], b: [1, 1] }), point({ a: [1, 1] })], undefined],
    [[point({ a: [2, 2], b: [1, 1] }), point({ a: [1, 1], b: [1.01, 1.01] })], 'b'],
    [[point({ a: [2, 2], b: [1, 1] }), point({ a: [1, 1], b: [1.1, 1.1] })], undefined],
    [[point({ a: [2, 2], a2: [2, 2] })], undefined],
  ];
  for (const [i, [points, winner]] of rows.entries()) assert.is(winnerOf(points, ['a', 'a']), winner, String(i));
});

test('a signal stops it, and all memory is given back', async () => {
  const controller = new AbortController();
  const device = played({ ms: () => 1, onMeasure: () => controller.abort(new Error('enough')) });
  const run = measureUse(device, module, useOf([100]), new Map(), { signal: controller.signal });
  assert.is(String(await run.catch((error: unknown) => error)), 'Error: enough');
  assert.is(device.bytesHeld, 0);
});

const NO_VALUES: readonly string[] = ['advanceBeams', 'advanceRows', 'chooseTokens', 'kvAppend'];

test('the uses of a model are those of its programs, and have values to run with', async () => {
  const like = { ...createReferenceDevice({ panelWidth: 64, crossPanelWidth: 1 }), kind: 'webgpu' };
  const uses = await modelUses(like, sizesOf(['tiny', 'tiny'], ['auto', 'f16']));
  const of = (name: string): readonly KernelUse[] => uses.filter(({ command }) => command.kernel.name === name);
  // q, k and v; out and down with the residual; up; the cross-attention's query, and its keys and values.
  assert.is(of('matmul').length, 2 * 6);
  assert.is(of('conv1d').length, 2 * 2);
  const [layerNorm] = of('layerNorm');
  assert.equal([...layerNorm!.wholes], [1500]);
  for (const rows of [1, 5, 8, 40, 448]) assert.ok(layerNorm!.capacities.has(rows), `${rows} rows`);
  assert.is(new Set(uses.map(({ key }) => key)).size, uses.length);
  const without = uses.filter(({ command }) => {
    const own = kernels.find(({ kernel }) => kernel === command.kernel)!;
    return !caseOfUse(own, command, 8);
  });
  const names = [...new Set(without.map(({ command }) => command.kernel.name))].sort();
  // One variant each, or sizes that none of their cases has.
  assert.equal(names, NO_VALUES);
  const fused = await modelUses({ ...like, wantsFusedSteps: true }, sizesOf(['tiny'], ['auto']));
  assert.ok(fused.some(({ command }) => command.kernel.name === 'normMatmul'));
});

test('kernels that are not asked for are not measured', async () => {
  const like = createReferenceDevice({ panelWidth: 64, crossPanelWidth: 1 });
  const [size] = sizesOf(['tiny'], ['auto']);
  assert.is((await tuneDevice(like, [module], [size!])).size, 0);
});

test.run();
