import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteReader } from '../../../src/audio/byteReader.ts';
import { memoryBytes } from '../../../src/audio/byteSource.ts';
import { InverseMdct } from '../../../src/audio/codecs/vorbis/inverseMdct.ts';
import { OggVorbis } from '../../../src/audio/codecs/vorbis/oggVorbis.ts';
import { EndOfPacket, VorbisBits } from '../../../src/audio/codecs/vorbis/vorbisBits.ts';
import { VorbisDecoder } from '../../../src/audio/codecs/vorbis/vorbisDecoder.ts';
import { type OggPage, oggLinks } from '../../../src/audio/containers/ogg.ts';
import { AudioError } from '../../../src/base/errors.ts';
import { codeOf, throws } from '../../support/throws.ts';
import { toneVorbis } from '../encoded.ts';
import { noise } from '../sounds.ts';

const test = suite('vorbis');

test('bits come lowest first, across bytes', () => {
  const bits = new VorbisBits(Uint8Array.of(0b1010_0110, 0xff, 0x12, 0x34, 0x56, 0x78, 0x9a));
  assert.equal([bits.read(3), bits.read(5), bits.read(0), bits.flag()], [0b110, 0b10100, 0, true]);
  assert.is(bits.read(32), 0x2b1a_097f);
  assert.is(bits.read(15), 0x4d3c);
  assert.throws(
    () => bits.read(1),
    (error: Error) => error instanceof EndOfPacket,
  );
});

test('the inverse transform is its formula', () => {
  for (const n of [64, 128, 2048]) {
    const x = noise(n / 2, n);
    const out = new Float32Array(n / 2);
    new InverseMdct(n).run(x, out);
    for (let i = 0; i < n / 2; i += Math.max(1, n >> 6)) {
      let sum = 0;
      for (let k = 0; k < n / 2; k++) sum += x[k]! * Math.cos(((2 * Math.PI) / n) * (i + n / 2 + 0.5) * (k + 0.5));
      assert.ok(Math.abs(out[i]! - sum) < 1e-4, `${n}: ${i}`);
    }
  }
});

async function packetsOf(file: Uint8Array): Promise<Uint8Array[]> {
  const packets: Uint8Array[] = [];
  for await (const { pages } of oggLinks(ByteReader.ofSource(memoryBytes(file)), () => 1)) {
    for await (const page of pages) packets.push(...page.packets);
  }
  return packets;
}

test('whatever the bytes, packets are decoded, refused or called malformed', async () => {
  const packets = await packetsOf(toneVorbis);
  const outcomes = new Set<string>();
  for (const [i, place] of noise(900, 7).entries()) {
    const decoder = new VorbisDecoder();
    const which = i % packets.length === 1 ? 2 : i % packets.length;
    const changed = packets.map((packet) => packet.slice());
    const target = changed[which]!;
    target[Math.floor(((place + 1) / 2) * target.length)] = (i * 37) % 256;
    try {
      for (const packet of changed) outcomes.add(decoder.decode(packet) ? 'decoded' : 'refused');
    } catch (error) {
      assert.instance(error, AudioError);
      outcomes.add('malformed');
    }
  }
  assert.equal([...outcomes].sort(), ['decoded', 'malformed', 'refused']);
});

test('headers that are cut off or claim too much are malformed', async () => {
  const [head, , setup] = await packetsOf(toneVorbis);
  for (let end = 7; end < setup!.length - 1; end += 41) {
    const decoder = new VorbisDecoder();
    decoder.decode(head!);
    await throws(AudioError, 'malformed', () => decoder.decode(setup!.subarray(0, end)), 'Vorbis');
  }
  // A book of 2^24 entries in a few bytes, ordered by length.
  const large = setup!.slice();
  large.set([0x42, 0x43, 0x56, 1, 0, 0xff, 0xff, 0xff, 0x01], 8);
  const decoder = new VorbisDecoder();
  decoder.decode(head!);
  await throws(AudioError, 'malformed', () => decoder.decode(large), 'ask for more');
});

/** The headers with as many channels. */
async function headersOf(nChannels: number): Promise<readonly Uint8Array[]> {
  const [head, tags, setup] = await packetsOf(toneVorbis);
  const changed = head!.slice();
  changed[11] = nChannels;
  return [changed, tags!, setup!];
}

test('headers may come again and again, but not with tables that cost more than their bytes', async () => {
  const decodeOften = async (headers: readonly Uint8Array[]): Promise<string> => {
    const decoder = new VorbisDecoder();
    return codeOf(() => {
      for (let i = 0; i < 200; i++) for (const packet of headers) decoder.decode(packet);
    });
  };
  assert.is(await decodeOften(await headersOf(1)), 'none');
  assert.is(await decodeOften(await headersOf(255)), 'malformed');
});

test('a page of many long packets is handed on in parts', async () => {
  const headers = await headersOf(24);
  const [, , , , packet] = await packetsOf(toneVorbis);
  const page = (packets: readonly Uint8Array[]): OggPage => ({
    isLast: false,
    granule: 0,
    packets,
    bytes: new Uint8Array(0),
  });
  async function* pages(): AsyncGenerator<OggPage, void, undefined> {
    yield page(headers);
    yield page(new Array<Uint8Array>(101).fill(packet!));
  }
  const lengths: number[] = [];
  const link = { head: headers[0]!, isContinued: false, pages: pages() };
  for await (const { channels } of new OggVorbis().read(link)) lengths.push(channels[0]!.length);
  const decoder = new VorbisDecoder();
  for (const header of headers) decoder.decode(header);
  decoder.decode(packet!);
  const block = decoder.decode(packet!)![0]!.length;
  assert.is(
    lengths.reduce((a, b) => a + b, 0),
    100 * block,
  );
  assert.ok(Math.max(...lengths) <= (1 << 18) / 24 + block && lengths.length > 1, `${lengths}`);
});

test.run();
