/** Characters of a name that a message shows: an address may have its data in it. */
const MOST_SHOWN = 200;

/** A path or address as messages show it. */
export function shownName(name: string): string {
  return name.length > MOST_SHOWN ? `${name.slice(0, MOST_SHOWN)}...` : name;
}
