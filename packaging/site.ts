/**
 * Builds the site into `dist/site`, the documents below `docs/`, and serves it on this machine, for a look at it.
 *
 *   npm run site [-- --port 8000] [--only-build] [--model FOLDER ...]
 *
 * A model's folder, as `sotto convert` makes it, is copied beside the site and offered first.
 */
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { buildDocs } from './docs/docsFiles.ts';
import { buildSite, siteFolder } from './siteFiles.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8000' },
    'only-build': { type: 'boolean', default: false },
    model: { type: 'string', multiple: true, default: [] },
  },
});
await buildSite(siteFolder, values.model);
await buildDocs(join(siteFolder, 'docs'));
if (values['only-build']) {
  console.log(siteFolder);
} else {
  const app = new Hono();
  // A build that was just made is to be seen.
  app.use(async (context, next) => {
    await next();
    context.header('cache-control', 'no-cache');
  });
  app.use(serveStatic({ root: relative(process.cwd(), siteFolder) }));
  const port = Number(values.port);
  serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => console.log(`http://127.0.0.1:${port}/`));
}
