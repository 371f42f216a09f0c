/**
 * A part of a source by its name, for the documents: a declaration of the file, or an object in it that has this `name`. Only our
 * own sources are read, which Biome has formatted.
 */

/** @throws if the source has no such part */
export function excerpt(source: string, name: string): string {
  const found = declaration(source, name) ?? namedObject(source, name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return dedent(found);
}

/** With the comment that stands before it. */
function declaration(source: string, name: string): string | undefined {
  const pattern = new RegExp(
    String.raw`^(?:export )?(?:async )?(?:const|function\*?|class|interface|type) ${name}\b`,
    'm',
  );
  const match = pattern.exec(source);
  if (!match) return undefined;
  const isStatement = /\b(const|type)\b/.test(match[0]);
  const end = endOf(source, match.index, isStatement ? ';\n' : '}\n');
  return source.slice(withComment(source, match.index), end);
}

/** `{ ... name: 'NAME' ... }` */
function namedObject(source: string, name: string): string | undefined {
  const at = source.indexOf(`name: '${name}'`);
  if (at < 0) return undefined;
  const open: number[] = [];
  scan(source, 0, (char, i) => {
    if (i >= at) return true;
    if ('{[('.includes(char)) open.push(i);
    if ('}])'.includes(char)) open.pop();
    return false;
  });
  const begin = open.at(-1);
  return begin === undefined ? undefined : source.slice(lineStart(source, begin), endOf(source, begin, '}'));
}

/** Where what begins at `begin` ends: after the first character of `last` that stands outside of all brackets, and before its rest. */
function endOf(source: string, begin: number, last: ';\n' | '}\n' | '}'): number {
  let depth = 0;
  let end = source.length;
  scan(source, begin, (char, i) => {
    if ('{[('.includes(char)) depth++;
    if ('}])'.includes(char)) depth--;
    if (depth > 0 || !source.startsWith(last, i)) return false;
    end = i + 1;
    return true;
  });
  return end;
}

/**
 * Visits the characters of code: not those of comments, strings and the text of templates (what stands in `${}` is code), which
 * `onText` is told. `visit` ends it by true. Regular expressions are taken for code: a quote in one would be taken for a string.
 */
function scan(
  source: string,
  begin: number,
  visit: (char: string, index: number) => boolean,
  onText: (index: number) => void = () => {},
): void {
  /** Of each template that is open: the brackets that were open in its `${`; -1 while in its text. */
  const templates: number[] = [];
  let depth = 0;
  for (let i = begin; i < source.length; i++) {
    const char = source[i]!;
    if (templates.at(-1) === -1) {
      onText(i);
      if (char === '\\') i++;
      else if (char === '`') templates.pop();
      else if (char === '$' && source[i + 1] === '{') {
        templates[templates.length - 1] = depth;
        i++;
      }
      continue;
    }
    if (char === '`') templates.push(-1);
    else if (char === '}' && templates.at(-1) === depth) templates[templates.length - 1] = -1;
    else if (char === "'" || char === '"') i = skip(source, i + 1, char);
    else if (source.startsWith('//', i)) i = skip(source, i, '\n') - 1;
    else if (source.startsWith('/*', i)) i = source.indexOf('*/', i) + 1;
    else {
      if (char === '{') depth++;
      if (char === '}') depth--;
      if (visit(char, i)) return;
    }
  }
}

/** Index of the next `end` that no backslash stands before. */
function skip(source: string, from: number, end: string): number {
  let i = from;
  while (i < source.length && source[i] !== end) i += source[i] === '\\' ? 2 : 1;
  return i;
}

function lineStart(source: string, index: number): number {
  return source.lastIndexOf('\n', index - 1) + 1;
}

function withComment(source: string, begin: number): number {
  const before = source.slice(0, begin);
  const block = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n$/.exec(before);
  if (block) return block.index;
  const lines = /(?:^\/\/.*\n)+$/m.exec(before);
  return lines && before.endsWith(lines[0]) ? lines.index : begin;
}

/** Without the spaces that all lines begin with, but for those of templates: they are text of its own, with its own margin. */
function dedent(text: string): string {
  const spaces = (/^ */.exec(text) ?? [''])[0].length;
  const inTemplates = new Set<number>();
  scan(
    text,
    0,
    () => false,
    (index) => inTemplates.add(index),
  );
  let at = 0;
  const lines = text.split('\n').map((line) => {
    // The line break before it is text of a template.
    const isText = inTemplates.has(at - 1);
    at += line.length + 1;
    return !isText && line.slice(0, spaces).trim() === '' ? line.slice(spaces) : line;
  });
  return lines.join('\n');
}
