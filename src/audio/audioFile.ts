/** A recording as a file: its bytes, or where they are. */
import type { CallOptions } from '../base/progress.ts';
import type { Sound } from './sound.ts';

/** The bytes of a file; a path (where there is a file system); a URL. */
export type AudioFile = Uint8Array | ArrayBuffer | Blob | string | URL;

/** Opens a recording: what it is, is looked at when it is read. Implemented for each platform. */
export type OpenSound = (audio: AudioFile, options?: CallOptions) => Promise<Sound>;
