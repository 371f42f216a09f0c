/** Dawn's flags, ours and a user's, and adapters by name: with the null backend, which is everywhere. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError, OptionsError } from '../../src/base/errors.ts';
import { load } from '../../src/load.node.ts';
import { createDenoPlatform } from '../../src/runtime/deno.ts';
import { dawnFlags, FLAGS_VARIABLE, openDawn, openDawnOn } from '../../src/runtime/nodeDawn.ts';
import { sotto } from '../support/command.ts';
import { reasonOf, throws } from '../support/throws.ts';

const test = suite('dawn');
const ON = 'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia';
const OFF = 'disable-dawn-features=timestamp_quantization';
process.env.XDG_RUNTIME_DIR ??= '/tmp';
process.env[FLAGS_VARIABLE] = 'backend=null';

test('flags: ours, and what the environment adds or takes away', () => {
  const rows: [extra: string | undefined, adapter: string | undefined, flags: string[]][] = [
    [undefined, undefined, [ON, OFF]],
    ['', 'rtx', [ON, OFF, 'adapter=rtx']],
    [' backend=vulkan,  verbose=1 ', undefined, [ON, OFF, 'backend=vulkan', 'verbose=1']],
    ['backend=vulkan backend=null', undefined, [ON, OFF, 'backend=null']],
    ['dump_shaders', undefined, [`${ON},dump_shaders`, OFF]],
    ['enable-dawn-features=a,b backend=null c', undefined, [`${ON},a,b,c`, OFF, 'backend=null']],
    [
      'disable-dawn-features=a,allow_unsafe_apis',
      undefined,
      [ON.replace('allow_unsafe_apis,', ''), `${OFF},a,allow_unsafe_apis`],
    ],
    ['timestamp_quantization', undefined, [`${ON},timestamp_quantization`, 'disable-dawn-features=']],
    ['adapter=intel', 'nvidia', [ON, OFF, 'adapter=nvidia']],
  ];
  for (const [extra, adapter, flags] of rows) assert.equal(dawnFlags(extra, adapter), flags, extra ?? 'none');
});

test('the flags of the environment reach Dawn, which says what it does not understand', async () => {
  const adapter = await (await openDawn())?.requestAdapter();
  assert.is(adapter?.info.device, 'null-backend');
  assert.ok(adapter?.features.has('timestamp-query'));
  process.env[FLAGS_VARIABLE] = 'backend=nonsense';
  await throws(DeviceError, 'noAdapter', openDawn(), /refuses its flags.*nonsense/);
  await throws(DeviceError, 'noAdapter', openDawnOn('rtx'), /refuses its flags.*nonsense/);
  process.env[FLAGS_VARIABLE] = 'no_such_toggle backend=null';
  assert.ok(await (await openDawn())?.requestAdapter(), 'toggles of other versions are nothing');
  process.env[FLAGS_VARIABLE] = 'backend=null';
});

test('an adapter by a part of its name, in large letters or small', async () => {
  for (const name of ['Null', 'NULL back', 'kend'])
    assert.is((await (await openDawnOn(name))?.requestAdapter())?.info.device, 'null-backend', name);
  await throws(DeviceError, 'noAdapter', openDawnOn('rtx'), 'No adapter has "rtx" in its name.');
  const error = await reasonOf(openDawnOn('rtx'));
  assert.match(String((error as DeviceError).hint), 'There are: Null backend.');
});

test('an adapter is looked for before a model, and only for webgpu', async () => {
  const missing = '/no/such/model';
  await throws(DeviceError, 'noAdapter', load(missing, { device: 'webgpu', adapter: 'rtx' }));
  await throws(OptionsError, 'contradiction', load(missing, { device: 'cpu', adapter: 'rtx' }), 'device is cpu');
  await throws(OptionsError, 'contradiction', load(missing, { adapter: 'rtx' }), 'device is auto');
  await throws(OptionsError, 'type', load(missing, { device: 'webgpu', adapter: 3 as unknown as string }));
});

test("Deno's WebGPU takes no name", async () => {
  await throws(DeviceError, 'noAdapter', createDenoPlatform().gpu({ adapter: 'rtx' }), 'takes no name');
});

test('commands take it too', async () => {
  const wrong: [args: string[], status: number, text: RegExp][] = [
    [['kernel', 'gatherRows', '--device', 'cpu', '--adapter', 'rtx'], 2, /--adapter names a GPU/],
    [['kernel', 'gatherRows', '--device', 'webgpu', '--adapter', 'rtx'], 1, /No adapter has "rtx".*Null backend/s],
    [['bench', '--adapter', 'rtx'], 2, /--adapter names a GPU/],
    [['no.wav', '-m', '/no/such', '--device', 'webgpu', '--adapter'], 2, /--adapter/],
    ...(
      [
        ['bench', '-m', '/no/such'],
        ['serve', '-m', '/no/such', '--port', '0'],
        ['batch', 'test', '-o', '/no/such', '-m', '/no/such'],
      ] as const
    ).map((command): [string[], number, RegExp] => [
      [...command, '--device', 'webgpu', '--adapter', 'rtx'],
      1,
      /No adapter has "rtx".*Null backend/s,
    ]),
  ];
  for (const [args, status, text] of wrong) {
    const result = await sotto(args, { env: { [FLAGS_VARIABLE]: 'backend=null' } });
    assert.is(result.status, status, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, text);
  }
});

test.run();
