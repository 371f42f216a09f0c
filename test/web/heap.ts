/** What a page and its workers hold in V8's heaps and in array buffers, once all that is not needed is collected. */
import type { Context, Page } from './chromium.ts';

export interface Heaps {
  /** Bytes that the page's workers hold; those that workers start themselves, which hold the model, are not among them. */
  ofWorkers(): Promise<number>;
}

/** What `Runtime.getHeapUsage` answers; `backingStorageSize` is of array buffers. */
interface HeapUsage {
  readonly usedSize: number;
  readonly backingStorageSize: number;
}

/** Workers that are started after this are known too. */
export async function watchHeaps(context: Context, page: Page): Promise<Heaps> {
  const session = await context.newCDPSession(page);
  const workers = new Set<string>();
  const waiting = new Map<string, (answer: unknown) => void>();
  let nSent = 0;

  session.on('Target.attachedToTarget', ({ sessionId }: { sessionId: string }) => workers.add(sessionId));
  session.on('Target.detachedFromTarget', ({ sessionId }: { sessionId: string }) => {
    workers.delete(sessionId);
    for (const [key, answer] of waiting) if (key.startsWith(`${sessionId} `)) answer(undefined);
  });
  session.on('Target.receivedMessageFromTarget', (event: { sessionId: string; message: string }) => {
    const { id, result } = JSON.parse(event.message) as { id?: number; result?: unknown }; // of the protocol
    waiting.get(`${event.sessionId} ${id}`)?.(result);
  });
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });

  /** @returns undefined if the worker ended */
  async function ask(sessionId: string, method: string): Promise<unknown> {
    const id = ++nSent;
    const key = `${sessionId} ${id}`;
    const answer = new Promise<unknown>((resolve) => waiting.set(key, resolve));
    await session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) });
    return answer.finally(() => waiting.delete(key));
  }

  return {
    async ofWorkers() {
      let bytes = 0;
      for (const worker of workers) {
        await ask(worker, 'HeapProfiler.collectGarbage');
        const usage = (await ask(worker, 'Runtime.getHeapUsage')) as HeapUsage | undefined; // by the protocol
        if (usage) bytes += usage.usedSize + usage.backingStorageSize;
      }
      return bytes;
    },
  };
}
