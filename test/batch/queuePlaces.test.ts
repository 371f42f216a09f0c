/** Addresses of brokers, and the marks of folders for outputs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError, OutputError, QueueError } from '../../src/base/errors.ts';
import { openBroker, shownUrl } from '../../src/batch/queue/broker.ts';
import { markedPlace } from '../../src/batch/queue/places.ts';
import { inFolder } from '../support/folder.ts';
import { throws } from '../support/throws.ts';

const test = suite('batch/queue, addresses and folders');

test('addresses of brokers, and passwords that nobody sees', async () => {
  assert.is(shownUrl('redis://user:secret@host:1/2?x=secret'), 'redis://user:***@host:1/2');
  assert.is(shownUrl('redis://a:b c@ho st'), 'redis://***@ho st');
  for (const url of ['http://localhost', 'localhost:6379', ''])
    await throws(OptionsError, 'badValue', openBroker({ url, name: 'q' }), 'no address of a broker');
  await throws(OptionsError, 'badValue', openBroker({ url: 'redis://localhost', name: 'a:b' }), '--queue_name');
  for (const scheme of ['redis', 'postgres']) {
    const away = openBroker({ url: `${scheme}://u:secret@127.0.0.1:9`, name: 'q' });
    const error = await throws(QueueError, 'unreachable', away, 'the connection was refused');
    assert.not.match(error.message, 'secret');
  }
});

test('a folder is marked once', async () => {
  await inFolder(async (folder) => {
    const out = join(folder, 'a/b');
    const [one, two] = await Promise.all([markedPlace(out), markedPlace(out)]);
    assert.equal(one, two);
    assert.equal(await markedPlace(out), one);
    writeFileSync(join(folder, 'file'), '');
    await throws(OutputError, 'folder', markedPlace(join(folder, 'file')));
    assert.equal(await markedPlace('s3://bucket/x'), { kind: 's3', address: 's3://bucket/x' });
    await throws(OptionsError, 'badValue', markedPlace('s3://'));
  });
});

test.run();
