/** How a model's weights and caches are stored where memory is bounded: as asked, or as they fit. */
import type { CacheType } from '../engine/dtype.ts';
import { bytesNeeded, type ChosenStorage, type Storage, type StorageWishes } from './storage.ts';
import { TOKEN_EMBEDDING, weightBytes } from './tensorSpec.ts';

/** @throws {DeviceError} `outOfMemory`: what was asked for does not fit; the hint says what would */
export async function chooseStorage(wishes: StorageWishes): Promise<ChosenStorage> {
  const { dims, dtypeOf, room } = wishes;
  const asked: Storage = { dtype: wishes.dtype, cacheDtype: wishes.cacheDtype ?? usualCache(wishes) };
  const bytesOf = ({ dtype, cacheDtype }: Storage): number =>
    bytesNeeded(dims, weightBytes(dims, dtype ?? dtypeOf), cacheDtype);
  if (room === undefined || bytesOf(asked) <= room) return asked;
  const { smallerStorage } = await import('./smallerStorage.ts');
  return smallerStorage(asked, wishes, room, bytesOf);
}

/** Weights in integers lose more than caches in f16 do. */
function usualCache({ dtype, dtypeOf }: StorageWishes): CacheType {
  return (dtype ?? dtypeOf(TOKEN_EMBEDDING)) === 'int8' ? 'f16' : 'f32';
}
