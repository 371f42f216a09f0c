/** What a part of a GPU day finds: in its file as soon as it is known, so that a part that is killed has told what it had. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Row = Readonly<Record<string, unknown>>;

export interface PartOptions {
  /** For a software adapter: sizes and repetitions that take seconds there. */
  readonly isSmall: boolean;
  readonly note: (row: Row, isDetail?: boolean) => void;
}

/** @returns writes `folder/part.json`, and a line to stdout of what is no detail: who runs it far away sees little of that */
export function notesOf(part: string, folder: string): PartOptions['note'] {
  const rows: Row[] = [];
  mkdirSync(folder, { recursive: true });
  return (row, isDetail = false) => {
    rows.push(row);
    writeFileSync(join(folder, `${part}.json`), `${JSON.stringify(rows, undefined, 1)}\n`);
    if (!isDetail) console.log(`${part}: ${Object.entries(row).map(cell).join(', ')}`);
  };
}

function cell([name, value]: readonly [string, unknown]): string {
  if (typeof value === 'number') return `${name} ${Number(value.toPrecision(4))}`;
  return `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}

/** One of several measurements: if it fails, the others go on. */
export async function attempt(note: PartOptions['note'], what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    note({ failed: what, why: String(error).split('\n').slice(0, 3).join(' ').slice(0, 400) });
  }
}
