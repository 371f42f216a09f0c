/**
 * The documents as a part of the site: each Markdown file of `docs` a page, with those of the root that they link to; each source
 * that they name, a page too. Code in them is taken from the sources here, so that none goes stale.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { escapeXml } from '../../src/base/xml.ts';
import { excerpt } from './excerpt.ts';
import { codeBlock, type Excerpt, type Rendered, renderMarkdown } from './markdown.ts';
import { variantShader } from './shader.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Documents of the root that are pages; others that are linked to are shown as they are. */
const ROOT_PAGES: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
];
const INDEX = 'docs/README.md';
const SHADER = '.wgsl';

interface Page extends Rendered {
  /** In the repository. */
  readonly source: string;
}

/** @returns names of all files written, relative to `folder`; @throws if a document names what is not there */
export async function buildDocs(folder: string): Promise<readonly string[]> {
  const sources = [
    ...ROOT_PAGES,
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ].sort();
  /** Files that pages lead to: as a page with its text, or an image as it is. */
  const shown = new Set<string>();
  const pages: Page[] = [];
  for (const source of sources) pages.push({ source, ...(await render(source, sources, shown)) });
  const navigation = navigationOf(pages);
  const written: string[] = [];
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    written.push(name);
  };
  for (const page of pages) write(fileOf(page.source), pageHtml(page, navigation));
  for (const path of [...shown].sort()) {
    if (isImage(path)) {
      mkdirSync(dirname(join(folder, fileOf(path))), { recursive: true });
      copyFileSync(join(root, path), join(folder, fileOf(path)));
      written.push(fileOf(path));
    } else {
      const html = `<h1>${escapeXml(path)}</h1>${bodyOf(path)}`;
      write(fileOf(path), pageHtml({ source: path, html, title: path, headings: [] }, navigation));
    }
  }
  await build({
    entryPoints: { docs: join(root, 'web/docs/docs.css') },
    outdir: folder,
    bundle: true,
    minify: true,
    logLevel: 'warning',
  });
  copyFileSync(join(root, 'web/static/icon.svg'), join(folder, 'icon.svg'));
  return [...written, 'docs.css', 'icon.svg'];
}

function render(source: string, pages: readonly string[], shown: Set<string>): Promise<Rendered> {
  /** @returns path in the repository, and what stands after `#` */
  const target = (link: string): readonly [path: string, name: string | undefined] => {
    const [path = '', name] = decodeURI(link).split('#');
    const full = path === '' ? source : relative(root, join(root, dirname(source), path));
    if (full.startsWith('..') || !existsSync(join(root, full))) throw new Error(`${source}: ${link} is not there`);
    return [full, name];
  };
  const href = (link: string): string => {
    if (/^[a-z]+:/.test(link)) return link;
    const [path, name] = target(link);
    if (!pages.includes(path)) shown.add(path);
    return `${relative(dirname(fileOf(source)), fileOf(path)) || '.'}${name && pages.includes(path) ? `#${name}` : ''}`;
  };
  return renderMarkdown(readFileSync(join(root, source), 'utf8'), {
    href,
    async excerpt(link) {
      if (/^[a-z]+:/.test(link) || !/\.ts#./.test(link)) return undefined;
      const [path, name = ''] = target(link);
      return { ...(await excerptOf(path, name)), href: href(link) };
    },
  });
}

/** `#NAME` is a part of the source, `#VARIANT.wgsl` what that variant of the kernel generates. */
async function excerptOf(path: string, name: string): Promise<Omit<Excerpt, 'href'>> {
  if (name.endsWith(SHADER)) {
    const kernel = path.slice(path.lastIndexOf('/') + 1, path.indexOf('.'));
    const { title, wgsl } = await variantShader(kernel, name.slice(0, -SHADER.length));
    return { title: `WGSL of ${name.slice(0, -SHADER.length)}: ${title}`, code: wgsl, language: 'wgsl' };
  }
  try {
    return { title: `${path}: ${name}`, code: excerpt(readFileSync(join(root, path), 'utf8'), name), language: 'ts' };
  } catch (cause) {
    throw new Error(`${path}: ${(cause as Error).message}`, { cause });
  }
}

function isImage(path: string): boolean {
  return /^\.(png|svg|jpg|webp)$/.test(extname(path));
}

/** Where a file of the repository is in the documents' folder: a page is HTML, and `docs` is the folder itself. */
function fileOf(path: string): string {
  if (path === INDEX) return 'index.html';
  const below = path.startsWith('docs/') ? path.slice('docs/'.length) : path;
  if (isImage(path)) return below;
  return path.endsWith('.md') ? below.replace(/\.md$/, '.html') : `source/${path}.html`;
}

function bodyOf(path: string): string {
  const full = join(root, path);
  if (!statSync(full).isDirectory())
    return codeBlock(readFileSync(full, 'utf8').trimEnd(), extname(path).slice(1) || 'txt');
  const items = readdirSync(full).map((name) => `<li>${escapeXml(name)}</li>`);
  return `<ul>${items.join('')}</ul>`;
}

interface Entry {
  readonly source: string;
  readonly title: string;
}

/** The index's own lists, a heading over each, and what it does not name. */
function navigationOf(pages: readonly Page[]): ReadonlyMap<string, readonly Entry[]> {
  const groups = new Map<string, Entry[]>();
  let group: Entry[] = [];
  for (const line of readFileSync(join(root, INDEX), 'utf8').split('\n')) {
    const [, heading] = /^## (.+)/.exec(line) ?? [];
    if (heading !== undefined) {
      group = [];
      groups.set(heading, group);
    }
    const [, title = '', link = ''] = /^- \[([^\]]+)\]\(([^)#]+\.md)\)/.exec(line) ?? [];
    if (link !== '') group.push({ title, source: join('docs', link) });
  }
  const named = new Set([INDEX, ...[...groups.values()].flat().map(({ source }) => source)]);
  const rest = pages.filter(({ source }) => !named.has(source)).map(({ source, title }) => ({ source, title }));
  if (rest.length > 0) groups.set('More', rest);
  return groups;
}

function pageHtml({ source, html, title, headings }: Page, navigation: ReadonlyMap<string, readonly Entry[]>): string {
  const own = fileOf(source);
  const to = (file: string): string => relative(dirname(own), file) || '.';
  const groups = [...navigation].map(([heading, entries]) => {
    const items = entries.map((entry) => {
      const current = entry.source === source ? ' aria-current="page"' : '';
      return `<li><a href="${escapeXml(to(fileOf(entry.source)))}"${current}>${escapeXml(entry.title)}</a></li>`;
    });
    return `<h2>${escapeXml(heading)}</h2><ul>${items.join('')}</ul>`;
  });
  const parts = headings.filter(({ level }) => level === 2);
  const contents =
    parts.length > 2
      ? `<nav class="contents" aria-label="On this page"><ul>${parts.map(({ id, text }) => `<li><a href="#${id}">${text}</a></li>`).join('')}</ul></nav>`
      : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'self'; img-src 'self' data:">
<meta name="color-scheme" content="light dark">
<title>${title.replace(/<[^>]*>/g, '')} - sotto</title>
<link rel="icon" href="${to('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${to('docs.css')}">
</head>
<body>
<a class="skip" href="#text">to the text</a>
<header><a href="${to('index.html')}">sotto</a> documents</header>
<div class="columns">
<nav class="pages" aria-label="Documents">${groups.join('')}</nav>
<main id="text" tabindex="-1">
${withContents(html, contents)}</main>
</div>
</body>
</html>
`;
}

/** Below the first heading and the words that follow it. */
function withContents(html: string, contents: string): string {
  const end = /<\/h1>\n(<p>(?:(?!<h2)[\s\S])*?<\/p>\n)?/.exec(html);
  return end
    ? `${html.slice(0, end.index + end[0].length)}${contents}\n${html.slice(end.index + end[0].length)}`
    : html;
}
