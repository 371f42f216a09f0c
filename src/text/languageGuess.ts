/**
 * Which of Whisper's languages was most likely meant: by another standard's code (`deu`, `en-US`), by a country's (`jp`), by
 * its own name (`Deutsch`), or by a misspelling. Only asked when a language is refused.
 */
import { nearest } from '../base/nearest.ts';

/** Codes of countries that are given for their language's, and codes and names of languages that Whisper calls otherwise. */
const OTHERS: Readonly<Record<string, string>> = {
  al: 'sq',
  at: 'de',
  cn: 'zh',
  cz: 'cs',
  dk: 'da',
  ee: 'et',
  farsi: 'fa',
  fil: 'tl',
  filipino: 'tl',
  gb: 'en',
  ge: 'ka',
  gr: 'el',
  il: 'he',
  ir: 'fa',
  jap: 'ja',
  jp: 'ja',
  jv: 'jw',
  kr: 'ko',
  lk: 'si',
  mx: 'es',
  nb: 'no',
  pk: 'ur',
  prs: 'fa',
  se: 'sv',
  tw: 'zh',
  ua: 'uk',
  us: 'en',
  usa: 'en',
  vn: 'vi',
};

/**
 * @param inputs what is taken (codes, names, aliases) and the codes of it
 * @returns a code
 */
export function guessLanguage(given: string, inputs: ReadonlyMap<string, string>): string | undefined {
  const word = given.trim().toLowerCase();
  // "en_US.UTF-8" is a locale of the C library.
  const [tag = ''] = word.replaceAll('_', '-').split(/[.@]/);
  const [primary = ''] = tag.split('-');
  for (const candidate of [word, OTHERS[primary], canonical(tag), primary]) {
    const code = candidate === undefined ? undefined : (inputs.get(candidate) ?? OTHERS[candidate]);
    if (code !== undefined) return code;
  }
  const codes = new Set(inputs.values());
  const byOwnName = [...codes].find((code) => ownName(code) === word);
  if (byOwnName !== undefined) return byOwnName;
  const near = nearest(word, inputs.keys());
  return near === undefined || near.length < 4 ? undefined : inputs.get(near);
}

/** The shortest code of a language by any standard that BCP 47 knows: `deu` -> `de`, `iw` -> `he`. */
function canonical(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).language;
  } catch {
    return undefined; // no code at all
  }
}

function ownName(code: string): string | undefined {
  try {
    return new Intl.DisplayNames([code], { type: 'language', fallback: 'none' }).of(code)?.toLowerCase();
  } catch {
    return undefined;
  }
}
