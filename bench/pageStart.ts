/**
 * How long a page takes to load a model, against one fetch of the weights' bytes, in turn in headless Chromium. The server is
 * on this machine; Chromium lets so many megabits a second come in and no more, as a line does.
 *
 *   node dist/bench/pageStart.js [--model tiny] [--device cpu] [--turns 5] [--megabits 0,200] [--plain]
 *
 * 0 is as fast as it goes. With `--plain` the page is not isolated, so that there is one thread.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spread, summarise } from '../src/benchmark/statistics.ts';
import { evaluate, launch } from '../test/runtimes/browser.ts';
import { bundle } from '../test/runtimes/bundle.ts';
import { servePage } from '../test/runtimes/pageServer.ts';
import { chromiumOrSkip } from '../test/runtimes/runtimes.ts';
import { locateModel } from '../weights/locate.ts';
import { describeMachine } from './machine.ts';
import type { PageStart } from './pageStartPage.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny' },
    device: { type: 'string', default: 'cpu' },
    turns: { type: 'string', default: '5' },
    megabits: { type: 'string', default: '0,200' },
    plain: { type: 'boolean', default: false },
  },
});
const executable = chromiumOrSkip('the start of a page');
if (!executable) throw new Error('Chromium is not here.');
const folder = mkdtempSync(join(tmpdir(), 'sotto-page-start-'));
const browser = await launch(executable);
try {
  await bundle('dist/bench/pageStartPage.js', folder);
  const model = await locateModel(values.model);
  for (const megabits of values.megabits.split(',').map(Number)) {
    const server = await servePage({ bundle: folder, model, clips: new Map(), script: 'pageStartPage.js' });
    const order = `start('${server.url}model/', ${JSON.stringify(values.device)})`;
    const starts: PageStart[] = [];
    for (let turn = 0; turn < Number(values.turns); turn++)
      starts.push(await evaluate(browser, `${server.url}${values.plain ? 'plain' : 'isolated'}`, order, { megabits }));
    await server.close();
    const ratios = starts.map(({ fetchMs, loadMs }) => loadMs / fetchMs);
    const least = (of: (one: PageStart) => number): number => Math.min(...starts.map(of));
    console.log(
      `${values.model}, ${starts[0]!.description}, ${megabits === 0 ? 'no limit' : `${megabits} megabits a second`}: fetch ${spread(summarise(starts.map((one) => one.fetchMs)), 0)} ms, load ${spread(summarise(starts.map((one) => one.loadMs)), 0)} ms`,
    );
    console.log(
      `  load / fetch: ${spread(summarise(ratios), 2)}, of the minima ${(least((one) => one.loadMs) / least((one) => one.fetchMs)).toFixed(2)}`,
    );
  }
  const { cpu, loadAverage } = describeMachine();
  console.log(`${cpu}, load average ${loadAverage}`);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
