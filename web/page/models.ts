/** The models that the page offers. Sizes of named ones are those of their files on the Hugging Face hub. */

export interface OfferedModel {
  /** As `load` takes it. */
  readonly model: string;
  readonly label: string;
  readonly megabytes: number | undefined;
  readonly about: string;
}

/** What the build says of a model that stands beside the page (packaging/siteModels.ts). */
interface ModelBeside {
  readonly name: string;
  readonly bytes: number;
}

const NAMED: readonly OfferedModel[] = [
  { model: 'tiny', label: 'Tiny', megabytes: 151, about: 'the fastest; for clear speech and phones' },
  { model: 'base', label: 'Base', megabytes: 290, about: 'a third fewer errors, twice the time' },
  { model: 'small', label: 'Small', megabytes: 967, about: 'good in most languages' },
  { model: 'turbo', label: 'Large turbo', megabytes: 1618, about: 'nearly the best; wants a GPU' },
  { model: 'tiny.en', label: 'Tiny, English', megabytes: 151, about: 'for English alone' },
  { model: 'base.en', label: 'Base, English', megabytes: 290, about: 'for English alone' },
];

/**
 * @param address of a model's folder, relative to the page, from `?model=`: offered first
 * @param beside  JSON of those beside the page: offered next
 * @param base    what both are relative to. The engine, whose file stands elsewhere, would resolve them against its own address.
 */
export function offeredModels(
  address: string | null,
  beside: string = document.body.dataset.models ?? '[]',
  base: string = document.baseURI,
): readonly OfferedModel[] {
  const given = address ? [address] : [];
  return [
    ...given.map((each) => ({
      model: new URL(each, base).href,
      label: each.replace(/\/+$/, '').replace(/^.*\//, '') || each,
      megabytes: undefined,
      about: 'from the address of this page',
    })),
    // Of the build of this page.
    ...(JSON.parse(beside) as readonly ModelBeside[]).map(({ name, bytes }) => ({
      model: new URL(`models/${encodeURIComponent(name)}/`, base).href,
      label: name,
      megabytes: Math.ceil(bytes / 1e6),
      about: 'from where this page is',
    })),
    ...NAMED,
  ];
}
