/** What all drawings have in common: size, colours for dark and light, title and description. */
import { escapeXml } from '../../base/xml.ts';

const STYLE = `
text{font:12px system-ui,sans-serif;fill:#1f2933}.t{font-size:16px;font-weight:600}.m{fill:#5b6770}.r{text-anchor:end}.c{text-anchor:middle}
.l{stroke:#c3ccd4;fill:none}.p{stroke:#c2410c;fill:none;stroke-width:2}.b{fill:#2584d6}.s{fill:#c2410c}.w{font-weight:600}
.bg{fill:#fff}@media (prefers-color-scheme:dark){text{fill:#e6eaee}.m{fill:#9aa7b2}.l{stroke:#46525d}.p{stroke:#fb923c}.s{fill:#fb923c}.bg{fill:#14191e}}`;

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** For screen readers. */
  readonly description: string;
  /** Elements. */
  readonly body: readonly string[];
}

export function svg({ width, height, title, description, body }: Drawing): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title desc">`;
  const texts = `<title id="title">${escapeXml(title)}</title><desc id="desc">${escapeXml(description)}</desc>`;
  const top = `<rect class="bg" width="100%" height="100%"/><text class="t" x="16" y="26">${escapeXml(title)}</text>`;
  return `${head}${texts}<style>${STYLE}</style>${top}\n${body.join('\n')}\n</svg>\n`;
}

export function label(x: number, y: number, text: string, className = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${className}">${escapeXml(text)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, className = 'l'): string {
  return `<path class="${className}" d="M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}"/>`;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** A token with its spaces seen. */
export function shown(text: string): string {
  return text.replaceAll(' ', '\u2423');
}
