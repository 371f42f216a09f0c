/** Where a recording comes in: dropped, chosen, pasted, or recorded now. */
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { openMicrophone, openTab } from '../engine/microphone.ts';
import { begin, isBusy, transcript } from '../session.ts';

/** Something is held over the page. */
const isOver = signal(false);

/** Begins with the first file of those that were given. */
function takeFiles(files: FileList | null | undefined): boolean {
  const file = files?.[0];
  if (file) begin({ name: file.name, audio: file });
  return file !== undefined;
}

/** The whole page takes what is dropped on it, and files that are pasted. @returns ends it */
export function takeDrops(): () => void {
  const controller = new AbortController();
  const { signal: until } = controller;
  const over = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    isOver.value = event.type === 'dragover';
  };
  addEventListener('dragover', over, { signal: until });
  addEventListener(
    'dragleave',
    (event) => {
      if (event.relatedTarget === null) isOver.value = false;
    },
    { signal: until },
  );
  addEventListener(
    'drop',
    (event) => {
      over(event);
      takeFiles(event.dataTransfer?.files);
    },
    { signal: until },
  );
  addEventListener(
    'paste',
    (event) => {
      if (takeFiles(event.clipboardData?.files)) event.preventDefault();
    },
    { signal: until },
  );
  return () => controller.abort();
}

export function Chooser(): JSX.Element {
  const address = useSignal('');
  const refusal = useSignal('');

  const record = async (open: () => Promise<MediaStream>, name: string): Promise<void> => {
    refusal.value = '';
    try {
      begin({ name, audio: await open() });
    } catch (error) {
      const isDenied = error instanceof DOMException && error.name === 'NotAllowedError';
      refusal.value = isDenied
        ? 'The browser was not allowed to listen. Allow it beside the address, and try again.'
        : error instanceof Error
          ? error.message
          : String(error);
    }
  };
  const fetchAddress = (event: Event): void => {
    event.preventDefault();
    refusal.value = '';
    try {
      const url = new URL(address.value.trim(), document.baseURI);
      begin({ name: decodeURIComponent(url.pathname.replace(/^.*\//, '')) || url.host, audio: url.href });
    } catch {
      refusal.value = 'That is no address. It begins with https://';
    }
  };

  return (
    <section class={isOver.value ? 'chooser is-over' : 'chooser'} aria-labelledby="chooser-title">
      <div class="drop">
        <svg class="drop-mark" viewBox="0 0 64 32" aria-hidden="true">
          <path d="M4 13v6M12 8v16M20 3v26M28 11v10M36 6v20M44 12v8M52 9v14M60 14v4" />
        </svg>
        <h2 id="chooser-title" tabIndex={-1}>
          {transcript.value ? 'Another recording' : 'Drop a recording here'}
        </h2>
        <p class="soft">Sound or video, of any length. It is transcribed by this page and never leaves this machine.</p>
        <p class="row">
          <label class="button primary">
            Choose a file
            <input
              type="file"
              class="hidden-input"
              accept="audio/*,video/*,.flac,.opus,.ogg,.mka,.mkv"
              onChange={({ currentTarget }) => {
                takeFiles(currentTarget.files);
                currentTarget.value = '';
              }}
            />
          </label>
          <button type="button" onClick={() => record(openMicrophone, `Recording ${now()}`)} disabled={isBusy}>
            Record
          </button>
          <button type="button" onClick={() => record(openTab, `Tab ${now()}`)} disabled={isBusy}>
            Listen to a tab
          </button>
        </p>
        <form class="address" onSubmit={fetchAddress}>
          <label for="address">or the address of one</label>
          <span class="row">
            <input
              id="address"
              type="url"
              placeholder="https://"
              required
              value={address}
              onInput={({ currentTarget }) => (address.value = currentTarget.value)}
            />
            <button type="submit">Fetch</button>
          </span>
        </form>
        <p role="alert" class="refusal">
          {refusal}
        </p>
      </div>
    </section>
  );
}

const now = (): string => new Date().toLocaleString();
