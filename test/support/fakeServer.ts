/** A server with a model that is played, in a process of its own: `node fakeServer.js FOLDER` prints its address. */
import { fakeModel } from './fakeModel.ts';
import { startTestServer } from './testServer.ts';

const [folder = ''] = process.argv.slice(2);
const server = await startTestServer(folder, {
  model: fakeModel({ ms: 20 }),
  keys: ['secret'],
  queue: { parallel: 4, requests: 200 },
  limits: { maxBytes: 20_000_000, uploadIdleMs: 3000 },
});
process.once('SIGTERM', () => void server.stop());
process.stdout.write(`${server.url}\n`);
