/** Markdown to HTML for the documents: headings with ids, links that fit the site, code of the sources where a link names it. */

import { Marked, type Tokens } from 'marked';
import { escapeXml } from '../../src/base/xml.ts';

export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly id: string;
}

export interface Rendered {
  readonly html: string;
  /** The first heading's text. */
  readonly title: string;
  readonly headings: readonly Heading[];
}

/** Code that stands in place of a link. */
export interface Excerpt {
  readonly language: 'ts' | 'wgsl';
  readonly code: string;
  /** What the line above it says and where that leads. */
  readonly title: string;
  readonly href: string;
}

export interface Links {
  /** Address in the site of a link as it stands in the Markdown. */
  href(link: string): string;
  /**
   * Of a paragraph that is one link to a source with a name after `#`: the part with that name. Undefined for other links.
   * @throws if the source has no such part
   */
  excerpt(link: string): Promise<Excerpt | undefined>;
}

export async function renderMarkdown(text: string, links: Links): Promise<Rendered> {
  const headings: Heading[] = [];
  let tables = 0;
  const excerpts = new Map<string, Excerpt>();
  const marked = new Marked({
    async: true,
    gfm: true,
    async walkTokens(token) {
      const href = onlyLink(token as Tokens.Generic);
      const found = href === undefined ? undefined : await links.excerpt(href);
      if (found && href !== undefined) excerpts.set(href, found);
    },
    renderer: {
      heading({ tokens, depth }) {
        const inner = this.parser.parseInline(tokens);
        const plain = this.parser.parseInline(tokens, this.parser.textRenderer);
        const id = uniqueId(plain, headings);
        headings.push({ level: depth, text: plain, id });
        return `<h${depth} id="${id}">${inner}</h${depth}>\n`;
      },
      paragraph(token) {
        const found = excerpts.get(onlyLink(token) ?? '');
        if (!found) return `<p>${this.parser.parseInline(token.tokens)}</p>\n`;
        const { title, href, language, code } = found;
        return `<figure><figcaption><a href="${escapeXml(href)}">${escapeXml(title)}</a></figcaption>${codeBlock(code, language)}</figure>\n`;
      },
      link({ href, tokens }) {
        return `<a href="${escapeXml(links.href(href))}">${this.parser.parseInline(tokens)}</a>`;
      },
      image({ href, text: alternative }) {
        return `<img src="${escapeXml(links.href(href))}" alt="${escapeXml(alternative)}" loading="lazy">`;
      },
      code({ text: code, lang }) {
        return codeBlock(code, lang ?? '');
      },
      table(token) {
        const row = (cells: readonly Tokens.TableCell[], tag: 'td' | 'th'): string =>
          `<tr>${cells.map((cell) => `<${cell.text === '' ? 'td' : tag}${cell.align ? ` class="${cell.align}"` : ''}>${this.parser.parseInline(cell.tokens)}</${cell.text === '' ? 'td' : tag}>`).join('')}</tr>`;
        const body = token.rows.map((cells) => row(cells, 'td')).join('\n');
        return `<div class="table" tabindex="0" role="region" aria-label="table ${++tables}"><table><thead>${row(token.header, 'th')}</thead><tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
  const html = await marked.parse(text);
  return { html, title: headings[0]?.text ?? '', headings };
}

/** Where a paragraph leads that is nothing but a link. */
function onlyLink({ type, tokens }: Tokens.Generic): string | undefined {
  const [link, ...others] = tokens ?? [];
  return type === 'paragraph' && link?.type === 'link' && others.length === 0 ? (link.href as string) : undefined;
}

/** As GitHub makes them, so that links to headings lead there and here. */
export function uniqueId(text: string, headings: readonly Heading[]): string {
  const id = text
    .replace(/<[^>]*>|&\w+;/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
  const known = new Set(headings.map((heading) => heading.id));
  for (let i = 0; ; i++) {
    const candidate = i === 0 ? id : `${id}-${i}`;
    if (!known.has(candidate)) return candidate;
  }
}

/** Comments are dimmed; more colours would need a grammar for each language. */
export function codeBlock(code: string, language: string): string {
  const pattern = /^(sh|bash|yaml|yml|)$/.test(language)
    ? /(^|\s)(#[^\n]*)/g
    : /(^|\s)(\/\/[^\n]*|\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->)/g;
  let html = '';
  let at = 0;
  for (const match of language === '' ? [] : code.matchAll(pattern)) {
    const [all, space = '', comment = ''] = match;
    html += `${escapeXml(code.slice(at, match.index))}${space}<i>${escapeXml(comment)}</i>`;
    at = match.index + all.length;
  }
  return `<pre tabindex="0"><code>${html}${escapeXml(code.slice(at))}</code></pre>\n`;
}
