/** Lines of text, one after another, with their numbers. */
import { OptionsError } from '../../base/errors.ts';

/** Paths and options of one recording have room in it; a recording taken for a list has not. */
const MOST_BYTES = 1_000_000;

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/**
 * @param name for messages
 * @throws {OptionsError} `manifest` for bytes that are no text in UTF-8
 */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Line, void, undefined> {
  let number = 0;
  let rest = Buffer.alloc(0);
  const lineOf = (raw: Uint8Array): Line => {
    number++;
    if (raw.includes(0)) throw noText(name, number);
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(raw);
      return { number, text: text.replace(/\r$/, '') };
    } catch {
      throw noText(name, number);
    }
  };
  for await (const piece of bytes) {
    const all = rest.length > 0 ? Buffer.concat([rest, piece]) : Buffer.from(piece);
    let from = 0;
    for (let to = all.indexOf(10); to >= 0; to = all.indexOf(10, from)) {
      yield lineOf(all.subarray(from, to));
      from = to + 1;
    }
    rest = all.subarray(from);
    if (rest.length > MOST_BYTES) throw noText(name, number + 1);
  }
  if (rest.length > 0) yield lineOf(rest);
}

function noText(name: string, number: number): OptionsError {
  return new OptionsError('manifest', `${name}, line ${number}: it is no line of text in UTF-8.`, {
    hint: 'A list names a recording a line; a recording itself has another extension than .txt or .jsonl.',
  });
}
