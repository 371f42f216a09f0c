/**
 * The numbers of Whisper's audio front end, under openai/whisper's names, each derived from the ones above it.
 *
 * @see openai/whisper, whisper/audio.py
 */

/** Hz. */
export const SAMPLE_RATE = 16000;
/** Samples of a spectrogram frame. Never padded to 512: that would move every bin. */
export const N_FFT = 400;
/** Bins of a frame's power spectrum, 0 to 8000 Hz: 201. */
export const N_BINS = N_FFT / 2 + 1;
/** Samples from one frame to the next: 10 ms. */
export const HOP_LENGTH = 160;
/** Seconds of a window. */
export const CHUNK_LENGTH = 30;
/** Samples of a window: 480000. */
export const N_SAMPLES = CHUNK_LENGTH * SAMPLE_RATE;
/** Frames of a window: 3000. */
export const N_FRAMES = N_SAMPLES / HOP_LENGTH;
/** 100. */
export const FRAMES_PER_SECOND = SAMPLE_RATE / HOP_LENGTH;
