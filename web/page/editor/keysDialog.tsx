/** What the keys do. */
import type { JSX } from 'preact';
import { Dialog } from './dialog.tsx';

const GROUPS = [
  {
    name: 'Player',
    rows: [
      ['Space', 'play or pause'],
      ['← →', '5 seconds back or on, unless a word has the focus'],
      ['J L', '5 seconds back or on, always'],
      ['< >', 'slower or faster'],
    ],
  },
  {
    name: 'Words',
    rows: [
      ['← →', 'the word before or after'],
      ['↑ ↓', 'the segment before or after'],
      ['Home End', 'the first or last word of the segment'],
      ['Enter', 'play from this word'],
    ],
  },
  {
    name: 'Editing',
    rows: [
      ['E', 'edit the segment of the word; so does a double click'],
      ['Enter', 'save'],
      ['Ctrl+Enter', 'split at the cursor'],
      ['Esc', 'leave it as it was'],
      ['Ctrl+Z', 'undo'],
      ['Ctrl+Shift+Z', 'do again'],
      ['/', 'find and replace'],
      ['?', 'this list'],
    ],
  },
] as const;

export function KeysDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keys" onClose={onClose}>
      {GROUPS.map(({ name, rows }) => (
        <section key={name}>
          <h3>{name}</h3>
          <dl class="keys">
            {rows.map(([keys, meaning]) => (
              <div key={keys}>
                <dt>
                  {keys.split(' ').map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
