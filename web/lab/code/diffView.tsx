/** Two texts line by line: what was taken out, what was put in, and a little around it. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { diff } from 'sotto/lab';
import { ReadOnlyCode } from './readOnlyCode.tsx';

/** Lines that are shown around a change. */
const AROUND = 3;
const CLASSES = { ' ': 'same', '-': 'out', '+': 'in' } as const;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
  /** In the text after, or before for what was taken out; from 1. */
  readonly number: number;
}

export function DiffView({ before, after }: { readonly before: string; readonly after: string }): JSX.Element {
  const { text, classes } = useMemo(() => {
    const lines = near(lined(before.split('\n'), after.split('\n')));
    return {
      text: lines
        .map((line) => (line ? `${String(line.number).padStart(4)} ${line.mark} ${line.text}` : '     …'))
        .join('\n'),
      classes: new Map(lines.flatMap((line, i) => (line ? [[i + 1, CLASSES[line.mark]] as const] : []))),
    };
  }, [before, after]);
  if (text === '') return <p class="soft">Nothing is changed.</p>;
  return <ReadOnlyCode text={text} classes={classes} label="Changes against the variant's own code" isWgsl />;
}

function lined(a: readonly string[], b: readonly string[]): readonly Line[] {
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  const same = (to: number): void => {
    while (i < to) {
      lines.push({ mark: ' ', text: a[i++]!, number: ++j });
    }
  };
  for (const { from, to, secondTo } of diff(a, b)) {
    same(from);
    while (i < to) lines.push({ mark: '-', text: a[i]!, number: ++i });
    while (j < secondTo) lines.push({ mark: '+', text: b[j]!, number: ++j });
  }
  same(a.length);
  return lines;
}

/** Changes with what is around them; undefined where lines are left out. */
function near(lines: readonly Line[]): readonly (Line | undefined)[] {
  const isShown = lines.map((_, i) =>
    lines.slice(Math.max(0, i - AROUND), i + AROUND + 1).some(({ mark }) => mark !== ' '),
  );
  const shown: (Line | undefined)[] = [];
  for (const [i, line] of lines.entries())
    if (isShown[i]) shown.push(line);
    else if (shown.length > 0 && shown.at(-1) !== undefined) shown.push(undefined);
  return shown.at(-1) === undefined ? shown.slice(0, -1) : shown;
}
