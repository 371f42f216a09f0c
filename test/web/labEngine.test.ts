/** The page's side of the lab's engine, with a worker played by the test: answers, aborts, silence, a device that is lost. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../web/lab/engine/engine.ts';
import type { FromEngine, ToEngine } from '../../web/lab/engine/messages.ts';

/** As much of a worker as the engine uses. */
class PlayedWorker {
  static readonly all: PlayedWorker[] = [];
  readonly heard: ToEngine[] = [];
  isTerminated = false;
  onmessage: ((event: { readonly data: FromEngine }) => void) | undefined;

  constructor() {
    PlayedWorker.all.push(this);
  }
  postMessage(message: ToEngine): void {
    this.heard.push(message);
  }
  terminate(): void {
    this.isTerminated = true;
  }
  say(message: FromEngine): void {
    this.onmessage?.({ data: message });
  }
}
Object.assign(globalThis, {
  Worker: PlayedWorker,
  document: { body: { dataset: { engine: 'engine.js' } }, baseURI: 'http://localhost/lab/' },
});

const test = suite('lab engine');
let patienceMs = 60_000;
let gone: string[] = [];
const engineOf = (): Engine => new Engine({ patienceMs: () => patienceMs, onGone: (sentence) => gone.push(sentence) });
const last = (): PlayedWorker => PlayedWorker.all.at(-1)!;
const reasonOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => assert.unreachable('it did not fail'),
    (error: Error) => error,
  ) as Promise<Error>;

test.before.each(() => {
  PlayedWorker.all.length = 0;
  patienceMs = 60_000;
  gone = [];
});

test('answers find who asked, what is told too, and one worker serves all', async () => {
  const engine = engineOf();
  const told: string[] = [];
  const places = engine.ask('places', 'layerNorm', { onTold: (one) => told.push(one.kind) });
  const more = engine.ask('places', 'matmul');
  assert.is(PlayedWorker.all.length, 1);
  last().say({ kind: 'told', id: 1, told: { kind: 'stage', text: 'looking' } });
  last().say({ kind: 'failed', id: 2, failure: { message: 'There is none.', isAborted: false } });
  last().say({ kind: 'done', id: 1, back: [] });
  assert.equal(await places, []);
  assert.equal(told, ['stage']);
  assert.is((await reasonOf(more)).message, 'There is none.');
  assert.is(engine.silentMs, 0);
});

test('a signal is handed on, and the answer to it is no failure', async () => {
  const controller = new AbortController();
  const engine = engineOf();
  const asked = engine.ask('places', 'layerNorm', { signal: controller.signal });
  controller.abort();
  assert.equal(last().heard.at(-1), { kind: 'abort', id: 1 });
  last().say({ kind: 'failed', id: 1, failure: { message: 'no longer wanted', isAborted: true } });
  assert.is((await reasonOf(asked)).name, 'EngineAborted');
  assert.is((await reasonOf(engine.ask('open', undefined, { signal: controller.signal }))).name, 'EngineAborted');
  assert.equal(gone, []);
});

test('after too long a silence it is left alone, not ended, and another one is started', async () => {
  const engine = engineOf();
  const asked = engine.ask('places', 'layerNorm');
  const first = last();
  first.say({ kind: 'told', id: 1, told: { kind: 'start', title: 'rows 3', done: 0, total: 8 } });
  patienceMs = 0;
  const { name, message } = await reasonOf(asked);
  assert.is(name, 'EngineFailed');
  assert.match(message, /^The GPU did not come back within \d+ s from rows 3: does a loop/);
  assert.equal(gone, [message]);
  assert.not(first.isTerminated);
  patienceMs = 60_000;
  const next = engine.ask('places', 'matmul');
  assert.is(PlayedWorker.all.length, 2);
  // What the first one still says is of no interest, until its device is gone.
  first.say({ kind: 'done', id: 2, back: ['stale'] });
  last().say({ kind: 'done', id: 2, back: [] });
  assert.equal(await next, []);
  first.say({ kind: 'lost', reason: 'reset' });
  assert.ok(first.isTerminated);
  assert.is(gone.length, 1);
});

test('a lost device is told, and the next call has another one', async () => {
  const engine = engineOf();
  const asked = engine.ask('places', 'layerNorm');
  last().say({ kind: 'lost', reason: 'the driver was reset' });
  assert.match((await reasonOf(asked)).message, 'lost (the driver was reset)');
  assert.ok(last().isTerminated);
  const next = engine.ask('places', 'layerNorm');
  last().say({ kind: 'done', id: 2, back: [] });
  assert.equal(await next, []);
});

test.run();
