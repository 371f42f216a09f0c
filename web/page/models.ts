/** The models that the page offers. Sizes are those of their files on the Hugging Face hub. */

export interface OfferedModel {
  /** As `load` takes it. */
  readonly model: string;
  readonly label: string;
  readonly megabytes: number | undefined;
  readonly about: string;
}

const NAMED: readonly OfferedModel[] = [
  { model: 'tiny', label: 'Tiny', megabytes: 151, about: 'the fastest; for clear speech and phones' },
  { model: 'base', label: 'Base', megabytes: 290, about: 'a third fewer errors, twice the time' },
  { model: 'small', label: 'Small', megabytes: 967, about: 'good in most languages' },
  { model: 'turbo', label: 'Large turbo', megabytes: 1618, about: 'nearly the best; wants a GPU' },
  { model: 'tiny.en', label: 'Tiny, English', megabytes: 151, about: 'for English alone' },
  { model: 'base.en', label: 'Base, English', megabytes: 290, about: 'for English alone' },
];

/** @param address of a model's folder, relative to the page, from `?model=`: offered first */
export function offeredModels(address: string | null): readonly OfferedModel[] {
  if (!address) return NAMED;
  const label = address.replace(/\/+$/, '').replace(/^.*\//, '') || address;
  // The engine, whose file stands elsewhere, would resolve it against its own address.
  const model = new URL(address, document.baseURI).href;
  return [{ model, label, megabytes: undefined, about: 'from the address of this page' }, ...NAMED];
}
