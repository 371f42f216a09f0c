/**
 * Bytes that are still arriving to samples, whatever they are: what sotto can read in order, else what ffmpeg can. Where
 * ffmpeg needs to seek (the index of an MP4 is often at its end), all is kept in a temporary file and decoded at the end.
 */
import { ByteReader } from '../audio/byteReader.ts';
import { decodeAudio } from '../audio/decode.ts';
import { type RawPcm, readPcmStream } from '../audio/pcmStream.ts';
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { decodeWithFfmpeg } from './ffmpeg.ts';
import { TemporaryFile } from './nodeTemporary.ts';

const NAME = 'Standard input';

/**
 * @param raw what the samples are, where they are bare
 * @yields mono, 16 kHz, in [-1, 1], each piece as soon as it is there
 * @throws {AudioError} as `readPcmStream`; `undecodable` with ffmpeg's words; the signal's reason
 */
export async function* liveSamples(
  bytes: AsyncIterable<Uint8Array>,
  raw: RawPcm | undefined,
  options: CallOptions = {},
): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined> {
  if (raw) return yield* readPcmStream(bytes, raw, options);
  const reader = ByteReader.ofStream(bytes, { signal: options.signal, name: NAME });
  try {
    // Nothing at all is no error: a recorder that was stopped at once.
    if ((await reader.peek(1)).length === 0) return;
    try {
      return yield* decodeAudio(reader, options);
    } catch (error) {
      // At its start again, unless the stream was understood at first.
      if (!(error instanceof AudioError) || error.code !== 'unsupported' || reader.position > 0) throw error;
      yield* byFfmpeg(reader.rest(), error, options);
    }
  } finally {
    await reader.close();
  }
}

async function* byFfmpeg(
  rest: AsyncGenerator<Uint8Array, void, undefined>,
  unsupported: AudioError,
  options: CallOptions,
): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined> {
  let kept: TemporaryFile | undefined = await TemporaryFile.create();
  let isRecognized = false;
  let reading: Promise<unknown> = Promise.resolve();
  const next = (): Promise<Uint8Array | undefined> => {
    const piece = rest.next().then(async ({ done, value }) => {
      if (done) return undefined;
      await kept?.write(value);
      return value;
    });
    reading = piece.catch(() => {});
    return piece;
  };
  async function* copied(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let piece = await next(); piece; piece = await next()) yield piece;
  }
  const onRecognized = (): void => {
    isRecognized = true;
  };
  let isBegun = false;
  try {
    try {
      for await (const samples of decodeWithFfmpeg({ from: copied(), name: NAME, onRecognized }, options)) {
        isBegun = true;
        const file = kept;
        kept = undefined;
        await file?.remove();
        yield samples;
      }
      return;
    } catch (error) {
      if (error instanceof AudioError && error.code === 'unsupported') throw unsupported;
      if (isBegun || !(error instanceof AudioError)) throw error;
      if (!isRecognized || !kept) {
        throw new AudioError(error.code, error.message, {
          cause: error,
          hint: 'If these are bare samples, say what they are, such as --input_format s16le.',
        });
      }
    }
    // Told while it was being asked for more: that piece is kept too.
    await reading;
    while (await next());
    yield* decodeWithFfmpeg({ from: kept.path, name: NAME }, options);
  } finally {
    await kept?.remove();
  }
}
