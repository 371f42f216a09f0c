/** What servers say of recordings. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BatchItem } from '../../src/batch/item.ts';
import { withVersions } from '../../src/batch/sources/addressVersions.ts';
import { sendFile, serve } from '../support/httpServer.ts';
import { reasonOf } from '../support/throws.ts';

const test = suite('batch/addressVersions');
const { signal } = new AbortController();
const bytes = new Uint8Array(1234);
const modified = 'Sun, 29 Nov 2026 00:00:00 GMT';

const at = (address: string, fields: Partial<BatchItem> = {}): BatchItem => {
  return { id: address, audio: address, name: 'x', version: '', ...fields };
};

test('ETag, else time and length; nothing of who refuses or says nothing', async () => {
  let sent = 0;
  const server = await serve((request, response) => {
    sent++;
    switch (request.url) {
      case '/etag':
        return sendFile(request, response, bytes, { etag: '"7"', 'last-modified': modified });
      case '/time':
        return sendFile(request, response, bytes, { 'last-modified': modified });
      case '/whole':
        // A server without ranges.
        response.writeHead(200, { 'content-length': bytes.length, 'last-modified': modified }).end(bytes);
        return;
      case '/silent':
        return sendFile(request, response, bytes);
      default:
        response.writeHead(403, { etag: '"no"' }).end();
    }
  });
  try {
    const rows = [
      ['etag', '"7"', 1234],
      ['time', `${modified} 1234`, 1234],
      ['whole', `${modified} 1234`, 1234],
      ['silent', '', 1234],
      ['refused', '', undefined],
    ] as const;
    const items = rows.map(([path]) => at(`${server.url}${path}`));
    const others = [at('/a/file.wav'), at('s3://bucket/key'), at(`${server.url}etag`, { version: 'known' })];
    const seen = await withVersions([...items, ...others], { signal });
    assert.equal(
      seen.slice(0, rows.length).map(({ version, bytes: length }) => [version, length]),
      rows.map(([, version, length]) => [version, length]),
    );
    assert.equal(seen.slice(rows.length), others);
    assert.is(sent, rows.length);
  } finally {
    await server.close();
  }
});

test('a server that is not there is asked a few times only, for however many recordings', async () => {
  const server = await serve(() => {});
  await server.close();
  let asked = 0;
  const items = Array.from({ length: 200 }, (_, i) => at(`${server.url}${i}`));
  const seen = await withVersions(items, {
    signal,
    fetch: async () => {
      asked++;
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) });
    },
  });
  assert.equal(seen, items);
  // As many as are asked at once, before the first has failed.
  assert.ok(asked <= 16, `${asked}`);
});

test('an abort ends it with its reason', async () => {
  const server = await serve(() => {});
  try {
    const controller = new AbortController();
    const asking = reasonOf(withVersions([at(`${server.url}x`)], { signal: controller.signal }));
    controller.abort(new Error('enough'));
    assert.match(String(await asking), 'enough');
  } finally {
    await server.close();
  }
});

test.run();
