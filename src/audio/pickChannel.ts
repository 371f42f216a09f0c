/** One channel of a recording, as if nothing else were in its file: no other's samples change a bit of it. */
import { AudioError } from '../base/errors.ts';
import type { ChannelSamples, PcmPiece, PcmPieceOf, SampleFormat } from './pcm.ts';

/**
 * @param channel from 0 on
 * @throws {AudioError} `channels` if a piece does not have it: the recording has fewer there than at its beginning
 */
export async function* pickChannel(
  pieces: AsyncIterable<PcmPiece>,
  channel: number,
): AsyncGenerator<PcmPiece, void, undefined> {
  for await (const piece of pieces) {
    switch (piece.sampleFormat) {
      case 's16':
        yield picked<'s16'>(piece, channel);
        break;
      case 's32':
        yield picked<'s32'>(piece, channel);
        break;
      case 'f32':
        yield picked<'f32'>(piece, channel);
        break;
      case 'f64':
        yield picked<'f64'>(piece, channel);
        break;
    }
  }
}

function picked<F extends SampleFormat>(piece: PcmPieceOf<F>, channel: number): PcmPieceOf<F> {
  const samples: ChannelSamples[F] | undefined = piece.channels[channel];
  if (samples) return { ...piece, nChannels: 1, channelMask: 0, channels: [samples] };
  throw new AudioError('channels', `A part of the recording has ${piece.nChannels} of its channels.`, {
    hint: 'Its channels cannot be told apart there: cut it where their number changes.',
  });
}
