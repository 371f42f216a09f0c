/** `sotto kernel`: what it prints where a device is there, and where it is not. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readTable } from '../../src/tuning/table.ts';
import { type CommandOptions, type CommandResult, sotto } from '../support/command.ts';
import { openOrSkip } from '../support/webgpu.ts';

const test = suite('cli/kernel');

const check = (device: string, env: Record<string, string> = {}): Promise<CommandResult> =>
  sotto(['kernel', 'gatherRows', '--check_only', 'True', '--device', device], { env });
const lastLine = ({ stdout }: CommandResult): string | undefined => stdout.trimEnd().split('\n').at(-1);

/** Vulkan then finds no driver. */
const noDriver = { VK_ICD_FILENAMES: '/nonexistent.json', VK_DRIVER_FILES: '/nonexistent.json' };

test('without an adapter the last line on stdout says that no WGSL ran', async () => {
  const result = await check('all', noDriver);
  assert.is(result.status, 0, result.stderr);
  assert.match(
    result.stdout,
    /WebAssembly.*\n {2}gatherRows\/rows: 3 cases, worst error 0\.00 of the tolerance\n\nall right\n/,
  );
  assert.match(lastLine(result)!, /^No WGSL ran: webgpu cannot be opened here \(.+\)$/);
});

test('a device that is asked for by name and is not there is an error', async () => {
  const { status, stdout, stderr } = await check('webgpu', noDriver);
  assert.is(status, 1);
  assert.is(stdout, '');
  assert.match(stderr, 'sotto: ');
});

test('a device that was not asked for is not mentioned', async () => {
  const result = await check('cpu', noDriver);
  assert.is(result.status, 0, result.stderr);
  assert.is(lastLine(result), 'all right');
});

test('arguments are checked before a device is opened', async () => {
  const refused = async (...args: string[]): Promise<string> => {
    const { status, stderr } = await sotto(['kernel', ...args], { env: noDriver });
    assert.is(status, 2, stderr);
    return stderr;
  };
  assert.match(await refused('layerNorm', '--wgsl', '/nonexistent.wgsl'), /cannot be read.*\n.*--print_wgsl > /s);
  assert.match(
    await refused('layerNorm', '--wgsl', 'package.json', '--device', 'cpu'),
    'does not run with --device cpu',
  );
  assert.match(await refused('all', '--print_wgsl'), 'one kernel at a time');
  assert.match(await refused('layerNorm', '--json'), 'no effect without --wgsl');
  assert.match(await refused('layerNorm', '--print_wgsl', '--json'), 'no effect with --print_wgsl');
  assert.match(await refused('layerNorm', '--watch'), 'no effect without --wgsl');
  assert.match(await refused('layerNorm', '--program', 'token'), 'a name has no effect');
  assert.match(await refused('--program', 'decoder'), 'token');
  assert.match(await refused('layerNorm', '--model', 'tiny'), '--model has no effect without --tune');
  assert.match(await refused('layerNorm', '--dtype', 'f16'), '--dtype has no effect without --tune');
  assert.match(await refused('--tune', '--check_only'), '--check_only has no effect with --tune');
  assert.match(await refused('--tune', '--device', 'cpu'), '--tune measures WebGPU');
  assert.match(await refused('--tune', '--model', 'tny'), /tiny/);
  assert.match(await refused('--tune', 'layerNrm'), 'There is no kernel "layerNrm"');
});

test('a trace that cannot be written is told before anything is run; else its folder is made', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-kernel-'));
  try {
    const run = (trace: string) => sotto(['kernel', 'gatherRows', '--device', 'cpu', '--check_only', '--trace', trace]);
    const file = join(folder, 'new/folder/trace.json');
    assert.is((await run(file)).status, 0);
    assert.ok(JSON.parse(readFileSync(file, 'utf8')).traceEvents.length > 0);
    const refused = await run(join(file, 'below.json'));
    assert.is(refused.status, 1);
    assert.is(refused.stdout, '');
    assert.match(refused.stderr, 'Name another file.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const device = await openOrSkip('cli/kernel on WebGPU');
if (device) {
  await device.close();
  test('with an adapter both devices run, and nothing is left out', async () => {
    const result = await check('all');
    assert.is(result.status, 0, result.stderr);
    assert.match(result.stdout, 'gatherRows/rows: 3 cases');
    assert.match(result.stdout, 'gatherRows/threadPerElement: 3 cases');
    // Tests have software drivers unless they are told of a GPU.
    if (device.isSoftware) assert.match(result.stdout, 'whose times say nothing about GPUs');
    assert.is(lastLine(result), 'all right');
  });

  test('a kernel is printed, changed, found wrong with its element, and right again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-kernel-'));
    try {
      const file = join(folder, 'mine.wgsl');
      const printed = await sotto(['kernel', 'layerNorm', '--print_wgsl', '--variant', 'threadPerRow', '--case', '2']);
      assert.is(printed.status, 0, printed.stderr);
      assert.match(printed.stdout, /^\/\/ sotto kernel layerNorm --variant threadPerRow --case 2 /);
      const run = (text: string, ...more: string[]): Promise<CommandResult> => {
        writeFileSync(file, text);
        return sotto(['kernel', 'layerNorm', '--wgsl', file, '--check_only', ...more]);
      };
      const right = await run(printed.stdout);
      assert.is(right.status, 0, right.stderr + right.stdout);
      assert.match(right.stdout, /layerNorm\/threadPerRow, edited: \d+ cases, worst error 0/);

      const broken = printed.stdout.replace(/k < \d+u(?=; k\+\+\) \{ y\[)/, '$& - 1u');
      const wrong = await run(broken);
      assert.is(wrong.status, 1);
      assert.match(wrong.stdout, /WRONG layerNorm\/threadPerRow case 2, .*: y\[\d+\] is NaN, should be .* NaN\)/);
      const { cases, compiles } = JSON.parse((await run(broken, '--json')).stdout);
      assert.ok(compiles);
      assert.is(cases[0].place.caseIndex, 1);
      assert.is(cases[0].outputs[0].worst.got, 'NaN');

      const lines = printed.stdout.split('\n');
      lines.push('let');
      const unread = await run(lines.join('\n'));
      assert.is(unread.status, 1);
      assert.match(unread.stdout, new RegExp(`mine\\.wgsl:${lines.length}:\\d+: error: `));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('--tune measures, keeps, and adds to what was kept; after Ctrl-C, too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-kernel-'));
    try {
      const env = { SOTTO_CACHE: folder };
      const tune = (kernel: string, more: Partial<CommandOptions> = {}): Promise<CommandResult> =>
        sotto(['kernel', '--tune', kernel, '--model', 'tiny'], { env, ...more });
      const first = await tune('tokenProbability');
      assert.is(first.status, 0, first.stderr);
      assert.match(first.stdout, /1 of \d+ {2}tokenProbability nVocab 51865/);
      assert.match(first.stdout, /up to 8 rows: \w+ (stays|in place of \w+)\n +1: ms \w+ [\d.e-]+ \([\d.e-]+\)/);
      const [name, ...more] = readdirSync(join(folder, 'tuning'));
      assert.equal(more, []);
      const path = join(folder, 'tuning', name!);
      assert.is(first.stdout.trimEnd().split('\n').at(-1), `kept in ${path}`);
      const kept = readFileSync(path, 'utf8');
      assert.equal(
        [...readTable(kept).uses.keys()].map((key) => key.split(' ')[0]),
        ['tokenProbability'],
      );

      const stopped = await tune('all', {
        onStdout: (text, child) => text.includes('2 of') && child.kill('SIGINT'),
      });
      assert.is(stopped.status, 130, stopped.stderr);
      const partly = [...readTable(readFileSync(path, 'utf8')).uses.keys()];
      assert.ok(partly.length > 1, partly.join(', '));
      assert.is(partly[0]?.split(' ')[0], 'tokenProbability', 'what was there first');
      assert.equal(readdirSync(join(folder, 'tuning')), [name]);

      writeFileSync(path, kept.replaceAll('tokenProbability', 'another'));
      const second = await tune('tokenProbability');
      assert.is(second.status, 0, second.stderr);
      const kernels = [...readTable(readFileSync(path, 'utf8')).uses.keys()].map((key) => key.split(' ')[0]);
      assert.equal(kernels, ['another', 'tokenProbability']);

      const none = await tune('embed');
      assert.is(none.status, 0, none.stderr);
      assert.match(none.stdout, 'There is nothing to choose');

      writeFileSync(path, '{');
      const third = await tune('tokenProbability');
      assert.match(third.stderr, 'is damaged: it is not JSON: it will be replaced.');
      assert.is(readTable(readFileSync(path, 'utf8')).uses.size, 1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('after every save it runs again; a loop that never ends costs a sentence; Ctrl-C ends all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-kernel-'));
    try {
      const file = join(folder, 'mine.wgsl');
      const { stdout: code } = await sotto(['kernel', 'layerNorm', '--print_wgsl', '--variant', 'threadPerRow']);
      const endless = code.replace('if (id.x', 'while (true) { workgroupBarrier(); } if (id.x');
      assert.is.not(endless, code);
      writeFileSync(file, code);
      const saves = [endless, code.replace('* gamma[k]', '* gamma[0]')];
      let waits = 0;
      const result = await sotto(
        ['kernel', 'layerNorm', '--wgsl', file, '--check_only', '--watch', '--patience', '20'],
        {
          onStderr(text, child) {
            const found = text.split('is saved; Ctrl-C ends').length - 1;
            if (found === waits) return;
            waits = found;
            const next = saves.shift();
            if (next === undefined) child.kill('SIGINT');
            else writeFileSync(file, next);
          },
        },
      );
      assert.is(result.status, 130);
      assert.match(result.stdout, /edited: \d+ cases, worst error 0[\s\S]*WRONG layerNorm\/threadPerRow case 2/);
      assert.match(result.stderr, /did not come back within 20 s from rows \d.*\n.*Does a loop never end\?/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a trace for Perfetto, SPIR-V, and a whole program with an edit in it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-kernel-'));
    try {
      const [file, traceFile] = [join(folder, 'mine.wgsl'), join(folder, 'trace.json')];
      const { stdout: code } = await sotto(['kernel', 'layerNorm', '--print_wgsl', '--variant', 'threadPerRow']);
      writeFileSync(file, code.replace('* gamma[k]', '* gamma[0]'));
      const options = ['kernel', 'layerNorm', '--wgsl', file, '--check_only'];
      await sotto([...options, '--trace', traceFile]);
      const { traceEvents } = JSON.parse(readFileSync(traceFile, 'utf8'));
      const runs = traceEvents.filter(({ ph, args }: { ph: string; args: object }) => ph === 'X' && 'GFLOP/s' in args);
      assert.ok(runs.length >= 16, 'each case runs twice');
      assert.equal([runs[0].name, runs[0].args.nState, runs[0].args.variant], ['layerNorm', 1, 'threadPerRow']);
      assert.ok(runs.every(({ ts, dur }: { ts: number; dur: number }) => ts > 0 && dur > 0));

      const spirv = await sotto([...options, '--spirv']);
      assert.is(spirv.status, 0, spirv.stderr);
      assert.match(spirv.stdout, /^; SPIR-V\n[\s\S]*OpEntryPoint GLCompute[\s\S]*gamma[\s\S]*OpFunctionEnd\n$/);

      const program = await sotto([...options, '--program', 'encoder']);
      assert.is(program.status, 1);
      assert.match(program.stdout, /first command that parts is encoder\.layer0 1, layerNorm\/threadPerRow, rows/);
      assert.match(program.stdout, /y\[\d+\] is -?[\d.e-]+, should be/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test.run();
