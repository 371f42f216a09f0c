/** Who may use the server: the keys it was given, compared in a time that does not depend on where they differ. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ApiError } from './errors.ts';

export interface Auth {
  /** Is a key asked for? */
  readonly isRequired: boolean;
  /**
   * @param header `Authorization` of a request
   * @returns a name for who holds the key, which does not tell it; undefined where no key is asked for
   * @throws {ApiError} 401
   */
  check(header: string | undefined): string | undefined;
}

/** @param keys none: everybody may */
export function authOf(keys: readonly string[]): Auth {
  const digests = keys.map(digestOf);
  return {
    isRequired: digests.length > 0,
    check(header) {
      if (digests.length === 0) return undefined;
      const [, key] = /^Bearer +(\S+) *$/i.exec(header ?? '') ?? [];
      if (key === undefined) {
        throw new ApiError(401, 'This server asks for a key. Send the header "Authorization: Bearer KEY".', {
          code: 'missing_api_key',
        });
      }
      const given = digestOf(key);
      // Digests have one length, and all of them are compared.
      const isKnown = digests.reduce((found, digest) => timingSafeEqual(digest, given) || found, false);
      if (!isKnown) throw new ApiError(401, 'The key is not one of this server.', { code: 'invalid_api_key' });
      return given.toString('hex').slice(0, 16);
    },
  };
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
