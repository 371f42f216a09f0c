/** Patterns of paths for keys, which are in no file system: `**`, `*`, `?`, `{a,b}`. */

/** @returns whether a path matches one of the patterns, as a whole */
export function matcher(patterns: readonly string[]): (path: string) => boolean {
  const expressions = patterns.map((pattern) => new RegExp(`^${expressionOf(pattern)}$`, 'su'));
  return (path) => expressions.some((expression) => expression.test(path));
}

function expressionOf(pattern: string): string {
  // Of braces without their other half only the character is meant.
  const hasBraces = /\{[^{}]*\}/.test(pattern);
  return pattern.replace(/\*\*\/|\*\*|[*?{},]|[^*?{},]+/gu, (part) => {
    switch (part) {
      case '**/':
        return '(?:[^/]+/)*';
      case '**':
        return '.*';
      case '*':
        return '[^/]*';
      case '?':
        return '[^/]';
      case '{':
        return hasBraces ? '(?:' : '\\{';
      case '}':
        return hasBraces ? ')' : '\\}';
      case ',':
        return hasBraces ? '|' : ',';
      default:
        return part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    }
  });
}
