/** A recording as a file: its bytes, or where they are. */
import type { CallOptions } from '../base/progress.ts';

/** The bytes of a file; a path (where there is a file system); a URL. */
export type AudioFile = Uint8Array | ArrayBuffer | Blob | string | URL;

/** Reads and decodes a recording: mono, 16 kHz, in [-1, 1]; shape [nSamples]. Implemented for each platform. */
export type ReadAudio = (audio: AudioFile, options?: CallOptions) => Promise<Float32Array>;
