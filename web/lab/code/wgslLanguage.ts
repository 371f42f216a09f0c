/** WGSL for the editor: words, numbers, comments and brackets; what they mean is the browser's compiler's business. */
import { HighlightStyle, StreamLanguage, type StringStream, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { tags } from '@lezer/highlight';

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const CONTROL = words('break case continue continuing default discard else for if loop return switch while');
const DECLARING = words('alias const const_assert diagnostic enable fn let override requires struct var');
const LITERAL = words('true false');
const TYPES = words(
  'array atomic bool f16 f32 i32 u32 ptr sampler vec2 vec3 vec4 vec2f vec3f vec4f vec2i vec3i vec4i vec2u vec3u vec4u vec2h ' +
    'vec3h vec4h mat2x2f mat3x3f mat4x4f function private workgroup uniform storage read write read_write',
);

interface State {
  /** Block comments nest. */
  comments: number;
}

function comment(stream: StringStream, state: State): string {
  while (state.comments > 0 && !stream.eol()) {
    if (stream.match('/*')) state.comments++;
    else if (stream.match('*/')) state.comments--;
    else stream.next();
  }
  return 'comment';
}

function token(stream: StringStream, state: State): string | null {
  if (state.comments > 0) return comment(stream, state);
  if (stream.eatSpace()) return null;
  if (stream.match('//')) {
    stream.skipToEnd();
    return 'comment';
  }
  if (stream.match('/*')) {
    state.comments = 1;
    return comment(stream, state);
  }
  if (stream.match(/^(0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)[fhiu]?/)) return 'number';
  if (stream.match(/^@\w+/)) return 'meta';
  if (!stream.match(/^[\p{L}_][\p{L}\p{N}_]*/u)) {
    stream.next();
    return null;
  }
  const word = stream.current();
  if (CONTROL.has(word)) return 'controlKeyword';
  if (DECLARING.has(word)) return 'keyword';
  if (LITERAL.has(word)) return 'bool';
  if (TYPES.has(word)) return 'typeName';
  return stream.match(/^\s*\(/, false) ? 'function' : 'variableName';
}

const wgsl = StreamLanguage.define<State>({
  name: 'wgsl',
  startState: () => ({ comments: 0 }),
  token,
  tokenTable: { function: tags.function(tags.variableName) },
  languageData: {
    commentTokens: { line: '//', block: { open: '/*', close: '*/' } },
    closeBrackets: { brackets: ['(', '[', '{'] },
  },
});

/** Colours by role, as the site's sheet has them for light and dark. */
const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--code-comment)', fontStyle: 'italic' },
  { tag: [tags.keyword, tags.controlKeyword], color: 'var(--code-keyword)', fontWeight: '600' },
  { tag: tags.typeName, color: 'var(--code-type)' },
  { tag: [tags.number, tags.bool], color: 'var(--code-number)' },
  { tag: tags.meta, color: 'var(--code-meta)' },
  { tag: tags.function(tags.variableName), color: 'var(--code-call)' },
]);

export const wgslLanguage: Extension = [wgsl, syntaxHighlighting(colours)];
