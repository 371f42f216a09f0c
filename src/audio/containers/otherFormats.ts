/**
 * Recordings (and what is sometimes taken for one) that nothing here reads, told by the bytes they begin with: so that
 * none of them is searched for MPEG frames, and an error can say what the file is.
 */
import { startsWith } from '../../base/bytes.ts';

/** Bytes of the start that are looked at. */
export const OTHER_FORMAT_BYTES = 3 * 192 + 1;

/** Name, and the text (Latin-1) at an offset of the file; a row for each way to begin. */
const MARKS: readonly (readonly [name: string, mark: string, at?: number])[] = [
  ['MP4 (m4a, mov)', 'ftyp', 4],
  ['MP4 (m4a, mov)', 'moov', 4],
  ['MP4 (m4a, mov)', 'mdat', 4],
  ['MP4 (m4a, mov)', 'moof', 4],
  ['MP4 (m4a, mov)', 'styp', 4],
  ['MP4 (m4a, mov)', 'wide', 4],
  ['MP4 (m4a, mov)', 'free', 4],
  ['MP4 (m4a, mov)', 'skip', 4],
  ['WebM or Matroska', '\x1aE\xdf\xa3'],
  ['AVI', 'AVI ', 8],
  ['RIFF, but not WAV', 'RIFF'],
  ['AIFF', 'FORM'],
  ['CAF', 'caff'],
  ['AU', '.snd'],
  ['AU', 'dns.'],
  ['Wave64', 'riff\x2e\x91\xcf\x11'],
  ['VOC', 'Creative Voice File'],
  ['NIST SPHERE', 'NIST_1A'],
  ['IRCAM', '\x64\xa3'],
  ['IRCAM', '\xa3\x64', 2],
  ['Sony PSF or VAG', 'VAGp'],
  ['AMR', '#!AMR'],
  ['EVRC', '#!EVRC'],
  ['QCP', 'QLCM', 8],
  ['AC-3', '\x0bw'],
  ['DTS', '\x7f\xfe\x80\x01'],
  ['AAC (ADIF)', 'ADIF'],
  ['RealMedia', '.RMF'],
  ['RealAudio', '.ra\xfd'],
  ['WMA (ASF)', '\x30\x26\xb2\x75\x8e\x66\xcf\x11'],
  ['Flash video', 'FLV'],
  ['MXF', '\x06\x0e\x2b\x34'],
  ["Monkey's Audio", 'MAC '],
  ['WavPack', 'wvpk'],
  ['True Audio', 'TTA'],
  ['Musepack', 'MPCK'],
  ['Musepack', 'MP+'],
  ['TAK', 'tBaK'],
  ['DSD', 'DSD '],
  ['DSD', 'FRM8'],
  ['Sound Designer or 8SVX', '8SVX', 8],
  ['MPEG program stream', '\0\0\x01\xba'],
  ['MPEG video', '\0\0\x01\xb3'],
  ['MPEG packets', '\0\0\x01\xc0'],
  ['MPEG packets', '\0\0\x01\xe0'],
  ['MIDI, which holds no sound', 'MThd'],
  ['a playlist', '#EXTM3U'],
  ['a playlist', '[playlist]'],
  ['a web page', '<!DOCTYPE'],
  ['a web page', '<!doctype'],
  ['a web page', '<html'],
  ['XML', '<?xml'],
  ['a ZIP archive', 'PK\x03\x04'],
  ['compressed by gzip', '\x1f\x8b'],
  ['a PDF', '%PDF'],
  ['a picture', '\x89PNG'],
  ['a picture', '\xff\xd8\xff\xe0'],
];

/** Packets of a transport stream, and those of camcorders with a time before each. */
const TRANSPORT_PACKETS = [
  [188, 0],
  [192, 4],
  [204, 0],
] as const;

/** @returns its name, to follow "is"; undefined if it begins as nothing here does */
export function otherFormat(bytes: Uint8Array): string | undefined {
  for (const [size, at] of TRANSPORT_PACKETS) {
    if ([0, 1, 2].every((i) => bytes[at + i * size] === 0x47)) return 'an MPEG transport stream';
  }
  if (isAdts(bytes)) return 'AAC (ADTS)';
  return MARKS.find(([, mark, at = 0]) => startsWith(bytes, mark, at))?.[0];
}

/** 12 bits sync, 1 version, 2 layer (0), ... 13 bits length of the frame from bit 30 on; another frame must follow. */
function isAdts(bytes: Uint8Array): boolean {
  const isHead = (at: number): boolean => bytes[at] === 0xff && (bytes[at + 1]! & 0xf6) === 0xf0;
  if (!isHead(0) || bytes.length < 7) return false;
  const length = ((bytes[3]! & 3) << 11) | (bytes[4]! << 3) | (bytes[5]! >> 5);
  return length >= 7 && (length + 1 >= bytes.length || isHead(length));
}
