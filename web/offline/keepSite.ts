/**
 * Keeps the site on the machine, and isolates the page, by the service worker. The page is isolated from the next load on:
 * on a first visit it is loaded once more, if nobody has begun to use it.
 */

/** In the session: the page was loaded again and must not be for the same reason. */
const TRIED = 'sotto-reloaded';
/** A page that somebody uses is not loaded again under their hands. */
const USES = ['pointerdown', 'keydown', 'input', 'change', 'dragenter', 'drop', 'paste'] as const;

/** @param root of the site, relative to the page: `./` */
export async function keepSite(root: string): Promise<void> {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const use = usage();
  try {
    await serviceWorker.register(new URL(`${root}serviceWorker.js`, document.baseURI));
    if (crossOriginIsolated) {
      sessionStorage.removeItem(TRIED);
      return;
    }
    await serviceWorker.ready;
    if (use.isUsed() || sessionStorage.getItem(TRIED) !== null) return;
    // If this cannot be kept the page is not loaded again: it might be without an end.
    sessionStorage.setItem(TRIED, 'once');
    location.reload();
  } catch {
    // Private windows, browsers without storage: the page works all the same, with one worker and a network.
  } finally {
    use.end();
  }
}

function usage(): { isUsed(): boolean; end(): void } {
  const ending = new AbortController();
  let used = false;
  for (const use of USES) {
    const note = (): void => {
      used = true;
    };
    addEventListener(use, note, { signal: ending.signal, capture: true, passive: true });
  }
  return { isUsed: () => used, end: () => ending.abort() };
}
