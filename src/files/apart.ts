/**
 * New ones, by `rename`, for those of a list that have a key in common.
 *
 * @param rename of a group of at least two: as many, in the same order
 */
export function apart<T extends object>(
  list: readonly T[],
  keysOf: (one: T) => readonly string[],
  rename: (group: readonly T[]) => readonly T[],
): readonly T[] {
  const users = new Map<string, T[]>();
  for (const one of list) {
    for (const key of keysOf(one)) {
      const group = users.get(key);
      if (group) group.push(one);
      else users.set(key, [one]);
    }
  }
  const renamed = new Map<T, T>();
  for (const group of users.values()) {
    if (group.length === 1) continue;
    for (const [i, one] of rename(group).entries()) renamed.set(group[i]!, one); // as many as there are
  }
  return list.map((one) => renamed.get(one) ?? one);
}
