/** A closed device that is still referred to survives the garbage collector: Dawn would take the process along. */
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openOrSkip } from '../../support/webgpu.ts';

const device = await openOrSkip('closed devices and the garbage collector');
if (device) {
  await device.close();
  const test = suite('device/webgpuCollected');
  test('a closed device outlives collections', () => {
    // Finalisers run between turns of the event loop.
    const script = `
      import { openOrSkip } from ${JSON.stringify(new URL('../../support/webgpu.js', import.meta.url).href)};
      const device = await openOrSkip('');
      await device.close();
      for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 50)); }
      console.log('alive', device.kind);`;
    const args = ['--expose-gc', '--input-type=module', '--eval', script];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.is(status, 0, `${signal ?? ''} ${stderr}`);
    assert.match(stdout, 'alive webgpu');
  });
  test.run();
}
