/** A page: choose a file, see its segments appear, stop when you like. */
import { load } from 'sotto';

const element = <T extends HTMLElement>(id: string): T => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  // The page is ours: each id has the kind that is asked for.
  return found as T;
};
const state = element('state');
const segments = element('segments');
const stop = element<HTMLButtonElement>('stop');

const whisper = await load(new URL('../../../tiny/', import.meta.url), {
  onProgress: ({ stage, done, total }) => {
    state.textContent = `${stage} ${Math.round((100 * done) / total)} %`;
  },
});
state.textContent = `ready on ${whisper.device.description}`;

element<HTMLInputElement>('file').addEventListener('change', async (event) => {
  const file = (event.target as HTMLInputElement).files?.[0];
  if (!file) return;
  segments.replaceChildren();
  const controller = new AbortController();
  stop.onclick = () => controller.abort();
  stop.disabled = false;
  try {
    for await (const segment of whisper.segments(file, { signal: controller.signal })) {
      const item = document.createElement('li');
      item.textContent = segment.text;
      segments.append(item);
    }
  } catch (error) {
    state.textContent = controller.signal.aborted ? 'stopped' : String(error);
  } finally {
    stop.disabled = true;
  }
});
