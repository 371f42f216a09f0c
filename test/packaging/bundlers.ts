/**
 * Bundles sotto with the bundlers that people use, without configuration, for a page and for a server; a line each. Fetches
 * them first.
 *
 *   npm run bundlers [-- NAME...]
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { jfk } from '../support/clips.ts';
import { serve } from '../support/httpServer.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { complaintsOf, nodeModulesIn } from './bundled.ts';
import { fetchProject, keptFolder, type Outcome, start } from './fetchProject.ts';

const { folder } = fetchProject(keptFolder('bundlers'), [
  ...['next@16', 'react@19', 'react-dom@19', 'vite@8', 'webpack@5', 'webpack-cli@6', 'esbuild@0.28'],
  ...['rollup@4', '@rollup/plugin-node-resolve@16', '@rollup/plugin-commonjs@29'],
]);

const PAGE = `import { load } from 'sotto';
globalThis.go = async () => (await (await load('/model/')).transcribe('/talk.wav')).text;
`;
const files: Readonly<Record<string, string>> = {
  'page.js': PAGE,
  'index.html': '<!doctype html><script type="module" src="./page.js"></script>',
  'app/layout.jsx': 'export default function Layout({ children }) { return <html><body>{children}</body></html>; }',
  'app/page.jsx': `'use client';\n${PAGE}export default function Page() { return <button onClick={() => go()}>go</button>; }`,
  'app/api/route.js': `import { load } from 'sotto';
export const dynamic = 'force-dynamic';
export const GET = async (request) => {
  const { searchParams } = new URL(request.url);
  const whisper = await load(searchParams.get('model'), { device: 'cpu' });
  const { text } = await whisper.transcribe(searchParams.get('audio'), { temperature: 0 });
  await whisper.close();
  return Response.json(text);
};
`,
};
for (const [name, text] of Object.entries(files)) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

interface Bundler {
  readonly name: string;
  /** What it runs, and where the page's files then are. */
  readonly args: readonly string[];
  readonly out: string;
}

const bundlers: readonly Bundler[] = [
  { name: 'vite', args: ['vite', 'build', '--outDir', 'out/vite'], out: 'out/vite' },
  {
    name: 'webpack',
    args: ['webpack', '--mode', 'production', '--entry', './page.js', '-o', 'out/webpack'],
    out: 'out/webpack',
  },
  {
    name: 'esbuild',
    args: ['esbuild', 'page.js', '--bundle', '--splitting', '--format=esm', '--minify', '--outdir=out/esbuild'],
    out: 'out/esbuild',
  },
  {
    name: 'rollup',
    args: ['rollup', 'page.js', '-p', 'node-resolve={browser:true}', '-p', 'commonjs', '-f', 'es', '-d', 'out/rollup'],
    out: 'out/rollup',
  },
  { name: 'next (client and server)', args: ['next', 'build'], out: '.next/static' },
];

const wanted = process.argv.slice(2);
for (const { name, args, out } of bundlers) {
  if (wanted.length > 0 && !wanted.some((word) => name.startsWith(word))) continue;
  rmSync(join(folder, out), { recursive: true, force: true });
  const { status, output }: Outcome = start('npx', ['--no-install', ...args], folder);
  const complaints = complaintsOf(output);
  const found = status === 0 ? nodeModulesIn(join(folder, out)) : [];
  const isRight = status === 0 && complaints.length === 0 && found.length === 0;
  console.log(
    `${isRight ? 'ok  ' : 'FAIL'} ${name}: ended with ${status}, ${complaints.length} warnings, ${found.length} Node modules in the page`,
  );
  if (isRight && name.startsWith('next')) await serveNext();
  if (isRight) continue;
  for (const line of [...complaints, ...found].slice(0, 12)) console.log(`     ${line}`);
  process.exitCode = 1;
}

/** The server that Next.js has built transcribes. */
async function serveNext(): Promise<void> {
  const port = await freePort();
  const server = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'start', '-p', `${port}`], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    for await (const line of createInterface(server.stdout)) if (/Ready in/.test(line)) break;
    const asked = new URLSearchParams({ model: await tinyModel(), audio: jfk.path });
    const answer = await fetch(`http://127.0.0.1:${port}/api?${asked}`);
    const text = await answer.text();
    const isRight = answer.ok && JSON.parse(text) === jfk.text;
    console.log(`${isRight ? 'ok  ' : 'FAIL'} next start: ${answer.status}, ${text.slice(0, 200)}`);
    if (!isRight) process.exitCode = 1;
  } finally {
    server.kill();
  }
}

async function freePort(): Promise<number> {
  const { url, close } = await serve((_, response) => response.end());
  await close();
  return Number(new URL(url).port);
}
