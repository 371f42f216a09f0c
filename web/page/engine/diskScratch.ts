/**
 * A temporary file of the browser's private file system, for what is known of a long recording: it is then decoded once, where it
 * would be decoded again for each pass (an hour of m4a: a minute each).
 */
import type { Scratch } from 'sotto/core';

/** As much of `FileSystemSyncAccessHandle`, which workers alone have, as is used. */
interface SyncAccessHandle {
  read(room: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  close(): void;
}

interface SyncFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<SyncAccessHandle>;
}

const FOLDER = 'temporary';

/** @throws what the browser says where it keeps no files, as in some private windows */
export async function openDiskScratch(): Promise<Scratch> {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  await removeOld(folder);
  const name = `${Date.now()}-${Math.random()}`;
  const file = (await folder.getFileHandle(name, { create: true })) as SyncFile; // this runs in a worker
  const handle = await file.createSyncAccessHandle();
  let end = 0;
  return {
    async write(bytes) {
      const written = handle.write(bytes, { at: end });
      end += written;
      if (written < bytes.length) throw new Error('there is no room for a temporary file');
    },
    async read(begin, end, room = new Uint8Array(end - begin)) {
      if (handle.read(room, { at: begin }) < room.length) throw new Error('the temporary file became shorter');
      return room;
    },
    async remove() {
      handle.close();
      await folder.removeEntry(name);
    },
  };
}

/** Files of tabs that were closed while they worked. Those of tabs that still work are open, and cannot be removed. */
async function removeOld(folder: FileSystemDirectoryHandle): Promise<void> {
  for await (const name of folder.keys()) await folder.removeEntry(name).catch(() => {});
}
