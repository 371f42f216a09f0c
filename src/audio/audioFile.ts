/** A recording as a file: the bytes, or where they are. */
import type { CallOptions } from '../base/progress.ts';

/** Bytes of a file of any kind; a path (where there are files); an address. */
export type AudioFile = Uint8Array | ArrayBuffer | Blob | string | URL;

/** Reads and decodes a recording: mono, 16 kHz, in [-1, 1]; shape [nSamples]. The platform's part. */
export type ReadAudio = (audio: AudioFile, options?: CallOptions) => Promise<Float32Array>;
