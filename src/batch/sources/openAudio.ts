/** From an item to what is transcribed. */
import type { AudioInput } from '../../audio/audioInput.ts';
import type { BatchItem } from '../item.ts';

/** @throws {AudioError} if it cannot be opened; the signal's reason */
export type OpenAudio = (item: BatchItem, signal: AbortSignal) => Promise<AudioInput>;

/** A path or an address, which `transcribe` opens itself. */
export const openAudio: OpenAudio = async ({ audio }) => audio;
