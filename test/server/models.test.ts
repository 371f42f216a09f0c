/** Models that come when they are asked for and go when nobody does; and long silences between events. */
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import { ApiError } from '../../src/server/errors.ts';
import { Models } from '../../src/server/models.ts';
import { eventStream } from '../../src/server/sse.ts';
import { TextDeltas } from '../../src/server/textDeltas.ts';
import { type FakeModel, fakeModel } from '../support/fakeModel.ts';
import { until } from '../support/testServer.ts';
import { throws } from '../support/throws.ts';

const test = suite('server/models');

function loader(ms = 0): {
  readonly load: (name: string) => Promise<FakeModel>;
  readonly loaded: [string, FakeModel][];
} {
  const loaded: [string, FakeModel][] = [];
  return {
    loaded,
    async load(name) {
      const model = fakeModel();
      loaded.push([name, model]);
      await sleep(ms);
      return model;
    },
  };
}

test('those that ask at once share one load, and who gives up leaves it to the others', async () => {
  const { load, loaded } = loader(50);
  const models = new Models({ names: ['tiny', 'base'], load, idleMs: Number.POSITIVE_INFINITY });
  const abort = new AbortController();
  const gone = models.use('tiny', abort.signal, async () => 'used').catch((reason: unknown) => reason);
  const kept = models.use('tiny', undefined, async () => 'used');
  abort.abort();
  assert.is(await gone, abort.signal.reason);
  assert.is(await kept, 'used');
  await models.use('base', undefined, async () => {});
  assert.equal(
    loaded.map(([name]) => name),
    ['tiny', 'base'],
  );
  assert.is(models.loaded, 2);
  await models.close();
  assert.ok(loaded.every(([, { isClosed }]) => isClosed));
  const late = await models.use('tiny', undefined, async () => {}).catch((reason: unknown) => reason);
  assert.instance(late, ApiError);
});

test('one that nobody uses goes, not while it is used, and comes again', async () => {
  const { load, loaded } = loader();
  const changes: string[] = [];
  const onChange = (name: string, isLoaded: boolean): void => {
    changes.push(`${name} ${isLoaded ? 'comes' : 'goes'}`);
  };
  const models = new Models({ names: ['tiny'], load, idleMs: 30, onChange });
  await models.use('tiny', undefined, () => sleep(100));
  assert.is(models.loaded, 1);
  // The timer does not keep the process: something else has to.
  await until(() => models.loaded === 0, 'it is let go');
  assert.ok(loaded[0]?.[1].isClosed);
  await models.use('tiny', undefined, async () => {});
  assert.is(loaded.length, 2);
  assert.equal(changes, ['tiny comes', 'tiny goes', 'tiny comes']);
  await models.close();
});

test('one that cannot be loaded is tried again', async () => {
  let tries = 0;
  const models = new Models({
    names: ['tiny'],
    async load() {
      if (tries++ === 0) throw new WeightsError('network', 'The hub does not answer.');
      return fakeModel();
    },
    idleMs: Number.POSITIVE_INFINITY,
  });
  await throws(WeightsError, 'network', () => models.preload());
  assert.is(models.loaded, 0);
  await models.preload();
  assert.is(models.loaded, 1);
  await models.close();
});

test('comments fill a long silence, and an error ends the events', async () => {
  const response = eventStream(
    async (sink) => {
      await sleep(100);
      sink.send({ type: 'one' });
      throw new ApiError(503, 'No more.', { code: 'shutting_down' });
    },
    { comment: () => 'position 3', onError: () => {}, onCancel: () => {}, keepAliveMs: 20 },
  );
  const events = (await response.text()).split('\n\n');
  assert.ok(events.filter((event) => event === ': position 3').length >= 3);
  assert.equal(events.slice(-3), [
    'data: {"type":"one"}',
    'event: error\ndata: {"error":{"message":"No more.","type":"server_error","param":null,"code":"shutting_down"}}',
    '',
  ]);
});

test('deltas joined are the text, whatever white space is where', () => {
  const rows: readonly (readonly string[])[] = [
    [],
    [' '],
    [' a', ' b'],
    ['\n', 'a ', ' ', 'b \n'],
    ['a', '', ' \u00a0', 'b'],
  ];
  for (const pieces of rows) {
    const deltas = new TextDeltas();
    const sent = pieces.map((piece) => deltas.push(piece)).join('');
    const { delta, text } = deltas.end(pieces.join(''));
    assert.is(sent + delta, text);
    assert.is(text, pieces.join('').trim());
  }
});

test.run();
