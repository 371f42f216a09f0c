/** `sotto kernel`: what it prints where a device is there, and where it is not. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CommandResult, sotto } from '../support/command.ts';
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

const device = await openOrSkip('cli/kernel on WebGPU');
if (device) {
  await device.close();
  test('with an adapter both devices run, and nothing is left out', async () => {
    const result = await check('all');
    assert.is(result.status, 0, result.stderr);
    assert.match(result.stdout, 'gatherRows/rows: 3 cases');
    assert.match(result.stdout, 'gatherRows/threadPerElement: 3 cases');
    assert.is(lastLine(result), 'all right');
  });
}

test.run();
