/** What a compiler says about a place in a text; lines and columns from 1, 0 where it names none. */
export interface CompilerMessage {
  readonly type: 'error' | 'warning' | 'info';
  readonly line: number;
  readonly column: number;
  /** Of the part that is meant, in UTF-16 units. */
  readonly length: number;
  readonly text: string;
}
