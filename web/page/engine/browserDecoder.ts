/**
 * Recordings that sotto does not decode itself (m4a, mp4, webm, mkv, aac, ts), by the decoders of the browser: mediabunny takes
 * the container apart, WebCodecs decodes its packets. All of it goes by pieces, so that the length of a recording does not
 * matter to memory, and works in a worker, where `decodeAudioData` is not.
 */
import {
  ADTS,
  AudioSampleSink,
  BlobSource,
  Input,
  type InputAudioTrack,
  MATROSKA,
  MP4,
  MPEG_TS,
  QTFF,
  WEBM,
} from 'mediabunny';
import { AudioError, type CallOptions, readPcmStream } from 'sotto/core';
import { type PlacedPcm, placeSamples } from './placeSamples.ts';

const FORMATS = [MP4, QTFF, WEBM, MATROSKA, ADTS, MPEG_TS];
const OTHER_FORMAT = 'Convert it to MP3, FLAC, WAV or Ogg, which this page reads in every browser.';

/** Names that people know; other codecs are called what mediabunny calls them. */
const CODECS: Readonly<Record<string, string>> = { aac: 'AAC', ac3: 'AC-3', eac3: 'E-AC-3', opus: 'Opus', dts: 'DTS' };

/**
 * The sound of a recording, from its start; sound begins when its timestamps say, so that words follow the player.
 *
 * @param name        for messages
 * @param unsupported what our own readers said
 * @yields mono, 16 kHz, in [-1, 1]; shape [nSamples]
 * @throws {AudioError} `unsupported` if it is no such container, or the browser lacks the codec; `undecodable` if it is
 *   damaged; `malformed` if it holds no sound; the signal's reason
 */
export async function* browserSamples(
  recording: Blob,
  name: string,
  unsupported: AudioError,
  options: CallOptions,
): AsyncGenerator<Float32Array, void, undefined> {
  const input = new Input({ source: new BlobSource(recording), formats: FORMATS });
  try {
    const track = await openTrack(input, name, unsupported);
    const seconds = await track.getDurationFromMetadata();
    const samples = new AudioSampleSink(track).samples();
    yield* monoOf(placeSamples(samples, reporting(options, seconds ?? 0)), options);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof AudioError) throw error;
    throw new AudioError('undecodable', `${name} cannot be decoded by this browser.`, {
      cause: error,
      hint: `It may be damaged, or not complete. ${OTHER_FORMAT}`,
    });
  } finally {
    input.dispose();
  }
}

async function openTrack(input: Input, name: string, unsupported: AudioError): Promise<InputAudioTrack> {
  const refuse = (message: string, hint: string): AudioError =>
    new AudioError('unsupported', message, { hint, cause: unsupported });
  if (!(await input.canRead())) throw refuse(unsupported.message, OTHER_FORMAT);
  const track = await input.getPrimaryAudioTrack();
  if (!track)
    throw new AudioError('malformed', `${name} holds no sound.`, {
      hint: 'Pictures alone have no text. If it was cut short, its sound may be what is missing.',
    });
  const codec = await track.getCodec();
  const held = codec === null ? 'in a form that this page does not know' : `as ${CODECS[codec] ?? codec}`;
  const message = `${name} holds its sound ${held}, which this browser cannot decode here.`;
  if (typeof AudioDecoder !== 'function')
    throw refuse(message, `A newer browser can (Chrome, Edge, Firefox 130, Safari 26). Or: ${OTHER_FORMAT}`);
  if (!(await track.canDecode())) throw refuse(message, `Another browser may. Or: ${OTHER_FORMAT}`);
  return track;
}

/** @param total seconds; 0: not known */
function reporting({ onProgress, signal }: CallOptions, total: number): (done: number) => void {
  return (done) => {
    signal?.throwIfAborted();
    onProgress?.({ stage: 'audio', done, total, unit: 'seconds' });
  };
}

/** Each stretch of one rate and number of channels is resampled for itself: a file may change them, few do. */
async function* monoOf(
  pieces: AsyncGenerator<PlacedPcm, void, undefined>,
  options: CallOptions,
): AsyncGenerator<Float32Array, void, undefined> {
  try {
    let next = await pieces.next();
    while (!next.done) {
      const { sampleRate, nChannels } = next.value;
      async function* stretch(): AsyncGenerator<Uint8Array, void, undefined> {
        while (!next.done && next.value.sampleRate === sampleRate && next.value.nChannels === nChannels) {
          const { samples } = next.value;
          yield new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
          next = await pieces.next();
        }
      }
      yield* readPcmStream(stretch(), { format: 'f32le', sampleRate, nChannels }, { signal: options.signal });
    }
  } finally {
    await pieces.return();
  }
}
