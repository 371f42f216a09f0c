/** Waits for what may never come: for so long at most, and whatever becomes of it. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, over]).catch(() => {});
  clearTimeout(timer);
}
