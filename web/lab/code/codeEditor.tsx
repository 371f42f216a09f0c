/** CodeMirror with what the lab needs of it. Tab indents; Escape, then Tab leaves the editor, as CodeMirror has it. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { CompilerMessage } from 'sotto/lab';
import { wgslLanguage } from './wgslLanguage.ts';

export interface CodeEditorProps {
  /** What the editor is to show; another object replaces what was typed. */
  readonly source: { readonly text: string };
  readonly messages: readonly CompilerMessage[];
  readonly onEdit: (text: string) => void;
  /** Control and Enter, or Command and Enter. */
  readonly onRun: () => void;
}

export function CodeEditor({ source, messages, onEdit, onRun }: CodeEditorProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const calls = useRef({ onEdit, onRun });
  calls.current = { onEdit, onRun };

  useEffect(() => {
    const editor = new EditorView({
      parent: place.current!, // rendered below
      state: EditorState.create({
        doc: source.text,
        extensions: [
          keymap.of([
            {
              key: 'Mod-Enter',
              run() {
                calls.current.onRun();
                return true;
              },
            },
          ]),
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          indentUnit.of('  '),
          bracketMatching(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          lintGutter(),
          wgslLanguage,
          keymap.of([...defaultKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap, indentWithTab]),
          EditorView.contentAttributes.of({
            'aria-label': 'WGSL of the variant. Escape, then Tab leaves it.',
            spellcheck: 'false',
            tabindex: '0',
          }),
          EditorView.updateListener.of(({ docChanged, state }) => {
            if (docChanged) calls.current.onEdit(state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === source.text) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: source.text } });
  }, [source]);

  useEffect(() => {
    const editor = view.current;
    if (editor) editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state, messages)));
  }, [messages]);

  return <div class="code-editor" ref={place} />;
}

function diagnosticsOf({ doc }: EditorState, messages: readonly CompilerMessage[]): Diagnostic[] {
  return messages.map(({ type, line, column, length, text }) => {
    // What the compiler says of the bindings before the text has line 0.
    const at = doc.line(Math.min(Math.max(1, line), doc.lines));
    const from = Math.min(at.to, at.from + Math.max(0, column - 1));
    return { from, to: Math.min(doc.length, from + Math.max(1, length)), severity: type, message: text };
  });
}
