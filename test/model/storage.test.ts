/** How weights and caches are stored: as asked, as they fit, or a sentence that says what would. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../src/base/errors.ts';
import type { WeightType } from '../../src/engine/dtype.ts';
import { chooseStorage } from '../../src/model/chooseStorage.ts';
import { publishedSizes } from '../../src/model/publishedSizes.ts';
import { bytesNeeded, type StorageWishes } from '../../src/model/storage.ts';
import { weightBytes } from '../../src/model/tensorSpec.ts';

const test = suite('storage');

const MEMORY = 2 ** 32;

function wishes(
  name: keyof typeof publishedSizes,
  stored: WeightType,
  more: Partial<StorageWishes> = {},
): StorageWishes {
  return { dims: publishedSizes[name], dtypeOf: () => stored, room: MEMORY, ...more };
}

test('what fits stays as its file has it, to the largest size in f16', async () => {
  for (const name of ['tiny', 'base', 'small', 'medium', 'large-v3-turbo'] as const)
    assert.equal(await chooseStorage(wishes(name, 'f32')), { dtype: undefined, cacheDtype: 'f32' }, name);
  for (const name of ['tiny', 'base', 'small', 'medium', 'large-v3-turbo'] as const)
    assert.equal(await chooseStorage(wishes(name, 'f16')), { dtype: undefined, cacheDtype: 'f32' }, name);
});

test('integers come with caches in f16', async () => {
  assert.equal(await chooseStorage(wishes('tiny', 'int8')), { dtype: undefined, cacheDtype: 'f16' });
  assert.equal(await chooseStorage(wishes('tiny', 'f32', { dtype: 'int8' })), { dtype: 'int8', cacheDtype: 'f16' });
  assert.is((await chooseStorage(wishes('tiny', 'int8', { cacheDtype: 'f32' }))).cacheDtype, 'f32');
});

test('where there is no room caches are halved, then weights, then those are made integers; and it is said why', async () => {
  const { reason: halved, ...inHalf } = await chooseStorage(wishes('large-v3', 'f32'));
  assert.equal(inHalf, { dtype: 'f16', cacheDtype: 'f16' });
  assert.match(halved!, /^as its file has it and with caches in f32 the model needs 7\.\d GB, and there are 4\.3 GB$/);
  const { reason, ...caches } = await chooseStorage(wishes('large-v3', 'f16'));
  assert.equal(caches, { dtype: undefined, cacheDtype: 'f16' });
  assert.match(reason!, /needs 4\.\d GB/);
  const { reason: tight, ...integers } = await chooseStorage(wishes('large-v3', 'f16', { room: 3e9 }));
  assert.equal(integers, { dtype: 'int8', cacheDtype: 'f16' });
  assert.ok(tight);
});

test('what was asked for and does not fit is refused, with what would', async () => {
  const asked = await errorOf({ ...wishes('large-v3', 'f16', { dtype: 'f32' }) });
  assert.is(asked.code, 'outOfMemory');
  assert.match(asked.message, /^In f32 and with caches in f32 the model needs 7\.\d GB, and there are 4\.3 GB\.$/);
  assert.match(asked.hint!, /^dtype f16 with cacheDtype f16 needs 3\.9 GB\.$/);
  const caches = await errorOf(wishes('large-v3', 'f16', { cacheDtype: 'f32' }));
  assert.match(caches.hint!, /^cacheDtype f16 needs/);
  const hopeless = await errorOf(wishes('large-v3', 'f16', { room: 1e9 }));
  assert.match(hopeless.hint!, /^Take a smaller model: in int8 this one needs 2\.\d GB\.$/);
});

test('where the room is not known nothing is refused', async () => {
  assert.equal(await chooseStorage(wishes('large-v3', 'f32', { room: undefined })), {
    dtype: undefined,
    cacheDtype: 'f32',
  });
});

test('every size runs in 4 GiB, the largest in f16 and int8', async () => {
  for (const dims of Object.values(publishedSizes))
    for (const dtype of ['f16', 'int8'] as const)
      assert.ok(bytesNeeded(dims, weightBytes(dims, dtype), 'f16') < MEMORY, `${dims.nAudioState} in ${dtype}`);
});

async function errorOf(wanted: StorageWishes): Promise<DeviceError> {
  try {
    await chooseStorage(wanted);
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test.run();
