/** A certificate for localhost that its own key signs, made anew: DER by hand (X.690, RFC 5280), the little of it that TLS wants. */
import { generateKeyPairSync, sign } from 'node:crypto';

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...head), body]);
}

const [INTEGER, BITS, OID, UTF8, TIME, SEQUENCE, SET] = [0x02, 0x03, 0x06, 0x0c, 0x18, 0x30, 0x31];
const ECDSA_SHA256 = der(SEQUENCE, der(OID, Buffer.from('2a8648ce3d040302', 'hex')));
const COMMON_NAME = der(OID, Buffer.from('550403', 'hex'));

export function selfSigned(): { readonly cert: Buffer; readonly key: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, Buffer.from('localhost')))));
  const time = (text: string): Buffer => der(TIME, Buffer.from(text, 'latin1'));
  const validity = der(SEQUENCE, time('20200101000000Z'), time('20990101000000Z'));
  const publicInfo = publicKey.export({ type: 'spki', format: 'der' });
  const serial = der(INTEGER, Buffer.of(1));
  const facts = der(SEQUENCE, serial, ECDSA_SHA256, name, validity, name, publicInfo);
  const signature = der(BITS, Buffer.of(0), sign('sha256', facts, privateKey));
  const text = der(SEQUENCE, facts, ECDSA_SHA256, signature).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    cert: Buffer.from(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`),
    key: Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}
