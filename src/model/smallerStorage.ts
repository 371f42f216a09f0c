/** How a model is stored that does not fit as it was meant to be. Rare, so that it is loaded where it is needed. */
import { DeviceError } from '../base/errors.ts';
import type { ChosenStorage, Storage, StorageWishes } from './storage.ts';

/**
 * Caches are halved before weights are, and weights before they are made integers.
 *
 * @param asked   what was asked for, or is usual, which needs more bytes than the `room`
 * @param bytesOf how many a storage needs
 * @throws {DeviceError} `outOfMemory`: what was asked for does not fit; the hint says what would
 */
export function smallerStorage(
  asked: Storage,
  wishes: StorageWishes,
  room: number,
  bytesOf: (storage: Storage) => number,
): ChosenStorage {
  const needed = (storage: Storage): string => gigabytes(bytesOf(storage));
  const smallest: Storage = { dtype: 'int8', cacheDtype: 'f16' };
  const others: readonly Storage[] = [
    { dtype: wishes.dtype, cacheDtype: 'f16' },
    { dtype: 'f16', cacheDtype: 'f16' },
    smallest,
  ];
  const fitting = others.find((storage) => bytesOf(storage) <= room);
  const why = `${inWords(asked)} the model needs ${needed(asked)}, and there are ${gigabytes(room)}`;
  if (fitting && isLeft(fitting, wishes)) return { ...fitting, reason: why };
  throw new DeviceError('outOfMemory', `${why[0]?.toUpperCase()}${why.slice(1)}.`, {
    hint: fitting
      ? `${optionsOf(fitting)} needs ${needed(fitting)}.`
      : `Take a smaller model: in int8 this one needs ${needed(smallest)}.`,
  });
}

/** Was it left to us to take this? */
function isLeft({ dtype, cacheDtype }: Storage, wishes: StorageWishes): boolean {
  return (
    (wishes.dtype === undefined || wishes.dtype === dtype) &&
    (wishes.cacheDtype === undefined || wishes.cacheDtype === cacheDtype)
  );
}

function inWords({ dtype, cacheDtype }: Storage): string {
  const weights = dtype === undefined ? 'as its file has it' : `in ${dtype}`;
  return `${weights} and with caches in ${cacheDtype}`;
}

function optionsOf({ dtype, cacheDtype }: Storage): string {
  return dtype === undefined ? `cacheDtype ${cacheDtype}` : `dtype ${dtype} with cacheDtype ${cacheDtype}`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
}
