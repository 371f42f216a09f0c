/** The queue alone, with a clock of the test's own. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ApiError } from '../../src/server/errors.ts';
import { Queue, type QueueLimits, type Ticket } from '../../src/server/queue.ts';

const test = suite('server/queue');

const none = new AbortController().signal;
const LIMITS: QueueLimits = { parallel: 1, requests: 100, bytes: 1000, seconds: 1000 };

/** Lets everything run that can. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Running {
  readonly name: string;
  readonly ticket: Ticket;
  readonly done: Promise<void>;
  end(): void;
}

/** Enters and waits for its turn; its name goes on the list when it comes. */
function start(queue: Queue, { client, seconds, name = client, signal = none }: StartOptions, list: string[]): Running {
  const ticket = queue.enter(client);
  ticket.setSeconds(seconds);
  let end = (): void => {};
  const work = new Promise<void>((resolve) => {
    end = resolve;
  });
  const done = ticket.run(signal, () => {
    list.push(name);
    return work;
  });
  done.catch(() => {});
  return { name, ticket, done, end: () => end() };
}

interface StartOptions {
  readonly client: string;
  readonly seconds: number;
  readonly name?: string;
  readonly signal?: AbortSignal;
}

function refusal(work: () => unknown): ApiError {
  try {
    work();
  } catch (error) {
    assert.instance(error, ApiError);
    return error as ApiError; // the line above
  }
  throw new Error('it was not refused');
}

test('one that sends a hundred does not keep another waiting', async () => {
  const queue = new Queue(LIMITS);
  const order: string[] = [];
  const all = [
    ...[1, 2, 3, 4].map((i) => start(queue, { client: 'many', name: `many ${i}`, seconds: 10 }, order)),
    start(queue, { client: 'one', seconds: 10 }, order),
    start(queue, { client: 'short', name: 'short 1', seconds: 1 }, order),
    start(queue, { client: 'short', name: 'short 2', seconds: 1 }, order),
  ];
  for (let i = 0; i < all.length; i++) {
    await settle();
    const running = all.find(({ name }) => name === order.at(-1))!;
    assert.is(running.ticket.position, 0);
    running.end();
  }
  await Promise.all(all.map(({ done }) => done));
  assert.equal(order, ['many 1', 'one', 'short 1', 'short 2', 'many 2', 'many 3', 'many 4']);
  await queue.emptied();
});

test('as many run at once as may, and positions count those that wait', async () => {
  const queue = new Queue({ ...LIMITS, parallel: 2 });
  const order: string[] = [];
  const all = ['a', 'b', 'c', 'd'].map((client) => start(queue, { client, seconds: 10 }, order));
  await settle();
  assert.equal(order, ['a', 'b']);
  assert.equal(
    all.map(({ ticket }) => ticket.position),
    [0, 0, 1, 2],
  );
  assert.is(queue.enter('e').position, 3);
  assert.equal(queue.counts, { arriving: 1, waiting: 2, running: 2 });
  all[0]?.end();
  await settle();
  assert.equal(order, ['a', 'b', 'c']);
});

test('who gives up leaves at once, waiting or running', async () => {
  const queue = new Queue(LIMITS);
  const order: string[] = [];
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = start(queue, { client: 'a', seconds: 10, signal: running.signal }, order);
  const second = start(queue, { client: 'b', seconds: 10, signal: waiting.signal }, order);
  const third = start(queue, { client: 'c', seconds: 10 }, order);
  await settle();
  waiting.abort();
  assert.equal(queue.counts, { arriving: 0, waiting: 1, running: 1 });
  const error = await second.done.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.is(error, waiting.signal.reason);
  first.ticket.leave();
  await settle();
  assert.equal(order, ['a', 'c']);
  third.end();
  first.end();
  await Promise.all([first.done, third.done]);
  assert.equal(queue.counts, { arriving: 0, waiting: 0, running: 0 });
});

test('what a client gave up is not held against it', async () => {
  const queue = new Queue(LIMITS);
  const order: string[] = [];
  const first = start(queue, { client: 'first', seconds: 10 }, order);
  const gone = new AbortController();
  for (let i = 0; i < 3; i++) start(queue, { client: 'changing', seconds: 100, signal: gone.signal }, order);
  await settle();
  gone.abort();
  const all = [
    start(queue, { client: 'changing', seconds: 10 }, order),
    start(queue, { client: 'other', seconds: 10 }, order),
    start(queue, { client: 'changing', name: 'changing again', seconds: 10 }, order),
  ];
  first.end();
  for (const _ of all) {
    await settle();
    all.find(({ name }) => name === order.at(-1))?.end();
  }
  await Promise.all(all.map(({ done }) => done));
  assert.equal(order, ['first', 'changing', 'other', 'changing again']);
});

test('it is full when all places are taken, and says when there is one by the speed it measured', async () => {
  let now = 0;
  const queue = new Queue({ ...LIMITS, requests: 1 }, () => now);
  const order: string[] = [];
  const first = start(queue, { client: 'a', seconds: 20 }, order);
  const second = start(queue, { client: 'b', seconds: 100 }, order);
  await settle();
  const early = refusal(() => queue.enter('c'));
  assert.is(early.status, 429);
  assert.is(early.retryAfter, 20, 'as fast as it is spoken, before anything is measured');
  now = 2000;
  first.ticket.progress(10);
  assert.is(refusal(() => queue.enter('c')).retryAfter, 2, '10 s in 2 s, 10 s left');
  now = 4000;
  first.end();
  await first.done;
  assert.is(queue.speed, 5);
  await settle();
  const third = queue.enter('c');
  assert.is(refusal(() => queue.enter('d')).retryAfter, 20);
  now = 14_000;
  second.ticket.progress(50);
  assert.is(refusal(() => queue.enter('d')).retryAfter, 10);
  third.leave();
  third.leave();
  queue.enter('d').leave();
  second.end();
  await second.done;
});

test('bytes and seconds of all that are here have limits, which one alone may pass', () => {
  const queue = new Queue({ ...LIMITS, bytes: 100, seconds: 100 });
  const first = queue.enter('a');
  first.addBytes(150);
  first.setSeconds(150);
  const second = queue.enter('b');
  assert.is(refusal(() => second.addBytes(1)).code, 'queue_full');
  assert.is(refusal(() => second.setSeconds(10)).retryAfter, 60);
  first.leave();
  second.addBytes(60);
  second.setSeconds(60);
  const third = queue.enter('c');
  third.addBytes(40);
  assert.is(refusal(() => third.addBytes(1)).status, 429);
  third.setSeconds(40);
  assert.is(queue.bytes, 100);
  assert.is(queue.seconds, 100);
  second.progress(50);
  assert.is(queue.seconds, 50);
});

test.run();
