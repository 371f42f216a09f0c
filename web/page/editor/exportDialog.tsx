/** Saves the transcript in any of the formats that the command writes, or copies it. */
import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { extensionOf, FORMATS, type Format, type WrapOptions, write } from 'sotto/core';
import { saveFile } from '../../shared/saveFile.ts';
import { Dialog } from './dialog.tsx';
import type { Editor } from './editor.ts';
import { fileStem, toTranscript } from './exported.ts';
import { Icon } from './icon.tsx';

const NAMES: Readonly<Record<Format, readonly [name: string, use: string]>> = {
  txt: ['Plain text', 'a line for each segment'],
  vtt: ['WebVTT', 'subtitles for web video'],
  srt: ['SubRip', 'subtitles for players and editors'],
  tsv: ['TSV', 'a table, times in milliseconds'],
  json: ['JSON', 'everything, as openai/whisper writes it'],
  lrc: ['LRC', 'lyrics for music players'],
  csv: ['CSV', 'a table for spreadsheets'],
  verbose_json: ['Verbose JSON', "as OpenAI's API answers"],
};
/** Formats whose lines may be laid out. */
const IN_LINES: readonly Format[] = ['vtt', 'srt', 'lrc'];
/** Characters of the file that are shown. */
const SHOWN = 2000;

export function ExportDialog({
  editor,
  onClose,
}: {
  readonly editor: Editor;
  readonly onClose: () => void;
}): JSX.Element {
  const format = useSignal<Format>('srt');
  const width = useSignal<number | undefined>(undefined);
  const lines = useSignal<number | undefined>(undefined);
  const highlight = useSignal(false);
  const { document } = editor;
  const canWrap = useComputed(() => {
    const segments = document.segments.value;
    return IN_LINES.includes(format.value) && segments.length > 0 && segments.every(({ words }) => words);
  });
  const text = useComputed(() => {
    const transcript = toTranscript(document.segments.value, document.language.value ?? '', document.summary.value);
    const options: WrapOptions = {
      ...(width.value !== undefined && { maxLineWidth: width.value }),
      ...(width.value !== undefined && lines.value !== undefined && { maxLineCount: lines.value }),
      ...(highlight.value && { highlightWords: true }),
    };
    return write(transcript, format.value, canWrap.value ? options : {});
  });
  const preview = useComputed(() => (text.value.length > SHOWN ? `${text.value.slice(0, SHOWN)}\n…` : text.value));
  const number = (input: HTMLInputElement): number | undefined =>
    Number.isInteger(input.valueAsNumber) && input.valueAsNumber > 0 ? input.valueAsNumber : undefined;
  return (
    <Dialog title="Export" onClose={onClose}>
      <fieldset class="formats">
        <legend>Format</legend>
        {FORMATS.map((one) => (
          <label key={one} class="format">
            <input
              type="radio"
              name="format"
              value={one}
              checked={format.value === one}
              onChange={() => {
                format.value = one;
              }}
            />
            <span>
              <b>{NAMES[one][0]}</b> <small>{NAMES[one][1]}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {IN_LINES.includes(format.value) &&
        (canWrap.value ? (
          <fieldset class="layout">
            <legend>Lines</legend>
            <label>
              Characters in a line
              <input
                type="number"
                min="1"
                placeholder="any"
                onInput={(event) => {
                  width.value = number(event.currentTarget);
                }}
              />
            </label>
            <label>
              Lines in a cue
              <input
                type="number"
                min="1"
                placeholder="any"
                disabled={width.value === undefined}
                onInput={(event) => {
                  lines.value = number(event.currentTarget);
                }}
              />
            </label>
            <label class="check">
              <input
                type="checkbox"
                checked={highlight.value}
                onChange={(event) => {
                  highlight.value = event.currentTarget.checked;
                }}
              />
              {format.value === 'lrc' ? 'A time for each word' : 'Underline the spoken word'}
            </label>
          </fieldset>
        ) : (
          <p class="hint">Lines can be laid out where every segment has word times: transcribe with words.</p>
        ))}
      <textarea class="export-preview" aria-label="Preview of the file" readOnly rows={8} value={preview} />
      <div class="dialog-actions">
        <button
          type="button"
          class="primary"
          onClick={() => {
            saveFile(`${fileStem(document.name.value)}.${extensionOf(format.value)}`, text.value);
            editor.message.value = 'Saved.';
          }}
        >
          <Icon name="download" /> Download
        </button>
        <button type="button" onClick={() => copy(editor, text.value)}>
          <Icon name="copy" /> Copy
        </button>
        <span class="hint">{editor.message}</span>
      </div>
    </Dialog>
  );
}

/** To the clipboard, and says so. */
export async function copy(editor: Editor, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    editor.message.value = 'Copied.';
  } catch {
    editor.message.value =
      'The browser did not allow to copy. Allow the clipboard for this page, or download the file.';
  }
}
