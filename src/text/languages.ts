/**
 * The languages of Whisper in the order of their tokens, with the names and aliases that openai/whisper accepts.
 *
 * @see openai/whisper, whisper/tokenizer.py: LANGUAGES, TO_LANGUAGE_CODE
 */
import { OptionsError } from '../base/errors.ts';
import { guessLanguage } from './languageGuess.ts';

const NAMES = entries(`
  en english, zh chinese, de german, es spanish, ru russian, ko korean, fr french, ja japanese, pt portuguese,
  tr turkish, pl polish, ca catalan, nl dutch, ar arabic, sv swedish, it italian, id indonesian, hi hindi,
  fi finnish, vi vietnamese, he hebrew, uk ukrainian, el greek, ms malay, cs czech, ro romanian, da danish,
  hu hungarian, ta tamil, no norwegian, th thai, ur urdu, hr croatian, bg bulgarian, lt lithuanian, la latin,
  mi maori, ml malayalam, cy welsh, sk slovak, te telugu, fa persian, lv latvian, bn bengali, sr serbian,
  az azerbaijani, sl slovenian, kn kannada, et estonian, mk macedonian, br breton, eu basque, is icelandic,
  hy armenian, ne nepali, mn mongolian, bs bosnian, kk kazakh, sq albanian, sw swahili, gl galician,
  mr marathi, pa punjabi, si sinhala, km khmer, sn shona, yo yoruba, so somali, af afrikaans, oc occitan,
  ka georgian, be belarusian, tg tajik, sd sindhi, gu gujarati, am amharic, yi yiddish, lo lao, uz uzbek,
  fo faroese, ht haitian creole, ps pashto, tk turkmen, nn nynorsk, mt maltese, sa sanskrit, lb luxembourgish,
  my myanmar, bo tibetan, tl tagalog, mg malagasy, as assamese, tt tatar, haw hawaiian, ln lingala, ha hausa,
  ba bashkir, jw javanese, su sundanese, yue cantonese
`);

/** Further names, and the codes they stand for. */
const ALIASES = entries(`
  burmese my, valencian ca, flemish nl, haitian ht, letzeburgesch lb, pushto ps, panjabi pa, moldavian ro,
  moldovan ro, sinhalese si, castilian es, mandarin zh
`);

/** `en english, zh chinese` -> { en: 'english', zh: 'chinese' } */
function entries(table: string): Readonly<Record<string, string>> {
  const rows = table.trim().split(/,\s+/);
  return Object.fromEntries(rows.map((row) => [row.slice(0, row.indexOf(' ')), row.slice(row.indexOf(' ') + 1)]));
}

/** Codes in the order of their tokens; a model knows the first 99 or all 100. */
export const languageCodes: readonly string[] = Object.keys(NAMES);

const codes = new Map<string, string>(Object.entries(ALIASES));
for (const [code, name] of Object.entries(NAMES)) codes.set(code, code).set(name, code);

/** English name of a language by its code, in lower case; undefined if Whisper does not know it. */
export function languageName(code: string): string | undefined {
  return Object.hasOwn(NAMES, code) ? NAMES[code] : undefined;
}

/** Characters of what was given that an error shows. */
const MOST_SHOWN = 40;

/**
 * Code of a language given by code, English name or alias, upper or lower case.
 *
 * @throws {OptionsError} `language` if Whisper does not know it
 */
export function languageCode(language: string): string {
  const code = codes.get(language.toLowerCase());
  if (code !== undefined) return code;
  const shown = language.slice(0, MOST_SHOWN);
  throw new OptionsError('language', `Whisper does not know the language "${shown}".`, { hint: hintFor(shown) });
}

function hintFor(language: string): string {
  if (language.toLowerCase() === 'auto') return 'Leave the language out: it is then detected.';
  const guess = guessLanguage(language, codes);
  if (guess !== undefined) return `Did you mean ${guess} (${languageName(guess)})?`;
  return 'Give a code such as "de" or an English name such as "german".';
}

/** Everything `languageCode` accepts, for help texts: codes, names and aliases to codes. */
export const languageInputs: ReadonlyMap<string, string> = codes;
