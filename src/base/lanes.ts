/** Does the same with many things, so many at once. @throws what one of them throws, at once; others go on unseen */
export async function inLanes<T>(
  things: readonly T[],
  lanes: number,
  work: (thing: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < things.length) {
      const index = next++;
      await work(things[index]!, index); // next was below the length
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, things.length) }, lane));
}
