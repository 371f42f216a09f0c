/** A link that holds an edit: the fork as JSON, deflated, in the part of the address that is not sent to any server. */
import type { Fork } from 'sotto/lab';

const KEY = 'edit=';

/** For the end of an address. */
export async function linkOf(fork: Fork): Promise<string> {
  const packed = await through(new Blob([JSON.stringify(fork)]), new CompressionStream('deflate-raw'));
  const text = Array.from(packed, (byte) => String.fromCharCode(byte)).join('');
  return `#${KEY}${btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}

/** @returns undefined for an address that holds none @throws {Error} a sentence for one that is damaged */
export async function forkOfLink(hash: string): Promise<Fork | undefined> {
  if (!hash.startsWith(`#${KEY}`)) return undefined;
  try {
    const text = atob(
      hash
        .slice(KEY.length + 1)
        .replaceAll('-', '+')
        .replaceAll('_', '/'),
    );
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const json = await through(new Blob([bytes]), new DecompressionStream('deflate-raw'));
    return checked(JSON.parse(new TextDecoder().decode(json)));
  } catch {
    throw new Error('The link is damaged: it holds no edit that can be read.');
  }
}

async function through(blob: Blob, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  return new Uint8Array(await new Response(blob.stream().pipeThrough(stream)).arrayBuffer());
}

/** What came from elsewhere is looked at before it is used. */
export function checked(value: unknown): Fork {
  const { kernel, variant, caseIndex, storage, wgsl } = (value ?? {}) as Partial<Record<keyof Fork, unknown>>;
  const isRecord = typeof storage === 'object' && storage !== null && !Array.isArray(storage);
  if (
    typeof kernel !== 'string' ||
    typeof variant !== 'string' ||
    typeof wgsl !== 'string' ||
    !Number.isInteger(caseIndex) ||
    !isRecord ||
    !Object.values(storage).every((dtype) => typeof dtype === 'string')
  )
    throw new TypeError('not an edit');
  return { kernel, variant, caseIndex, storage, wgsl } as Fork; // looked at above
}
