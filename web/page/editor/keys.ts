/** Keys of the editor wherever the focus is, but not in what is typed into. */
import type { Editor } from './editor.ts';

/** @returns was it a key of ours? */
export function pressKey(editor: Editor, event: KeyboardEvent): boolean {
  const { target } = event;
  if (event.defaultPrevented || !(target instanceof Element)) return false;
  if (target.closest('input:not([type=range]), textarea, select, [contenteditable], dialog')) return false;
  if ((event.ctrlKey || event.metaKey) && !event.altKey) return undoKey(editor, event);
  if (event.altKey || event.ctrlKey || event.metaKey) return false;
  const { player } = editor;
  const isOnControl = target.closest('button, a, summary, input, [role=tab], [role=radio]') !== null;
  switch (event.key) {
    case ' ':
      if (isOnControl && !target.matches('input')) return false;
      player.toggle();
      return true;
    case 'ArrowLeft':
    case 'ArrowRight':
      if (isOnControl) {
        // The slider's own step is a hundredth of a second.
        if (!target.matches('.player-position')) return false;
      }
      player.moveBy(event.key === 'ArrowLeft' ? -5 : 5);
      return true;
    case 'k':
      player.toggle();
      return true;
    case 'j':
      player.moveBy(-5);
      return true;
    case 'l':
      player.moveBy(5);
      return true;
    case '<':
      player.stepSpeed(-1);
      return true;
    case '>':
      player.stepSpeed(1);
      return true;
    case '/':
      editor.isFinding.value = true;
      return true;
    case '?':
      editor.openDialog.value = 'keys';
      return true;
    default:
      return false;
  }
}

function undoKey(editor: Editor, event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase();
  if (key === 'z') {
    if (event.shiftKey) editor.redo();
    else editor.undo();
  } else if (key === 'y') editor.redo();
  else return false;
  return true;
}
