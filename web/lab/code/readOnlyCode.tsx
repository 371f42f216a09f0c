/** Code to read, search and copy, of any length: only lines in sight are elements. */
import { search, searchKeymap } from '@codemirror/search';
import { EditorState, type Range } from '@codemirror/state';
import { Decoration, drawSelection, EditorView, keymap } from '@codemirror/view';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { wgslLanguage } from './wgslLanguage.ts';

export interface ReadOnlyCodeProps {
  readonly text: string;
  readonly label: string;
  readonly isWgsl?: boolean;
  /** Class of a line by its number from 1. */
  readonly classes?: ReadonlyMap<number, string> | undefined;
}

export function ReadOnlyCode({ text, label, isWgsl = false, classes }: ReadOnlyCodeProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const editor = new EditorView({
      parent: place.current!, // rendered below
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorState.readOnly.of(true),
          EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
          EditorView.decorations.of((view) => Decoration.set(marks(view.state, classes))),
          drawSelection(),
          search(),
          keymap.of([...searchKeymap]),
          isWgsl ? wgslLanguage : [],
        ],
      }),
    });
    return () => editor.destroy();
  }, [text, label, isWgsl, classes]);
  return <div class="code-editor" ref={place} />;
}

function marks({ doc }: EditorState, classes: ReadonlyMap<number, string> = new Map()): Range<Decoration>[] {
  return [...classes]
    .filter(([number]) => number <= doc.lines)
    .map(([number, name]) => Decoration.line({ class: name }).range(doc.line(number).from));
}
