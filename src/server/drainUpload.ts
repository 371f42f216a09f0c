/**
 * A request that is answered before all of it has come, because it is too large or has no key: a client that is still sending
 * reads the answer only if its connection stays. So what comes is read and thrown away, up to a limit.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

const MOST_BYTES = 64 << 20;
const MOST_MS = 30_000;

/** Called before anything else looks at the request. */
export function drainUpload(incoming: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.once('finish', () => {
    if (incoming.complete || incoming.destroyed) return;
    const { socket } = incoming;
    let bytes = 0;
    const timer = setTimeout(() => socket.destroy(), MOST_MS);
    timer.unref();
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) socket.destroy();
    };
    incoming.on('data', count);
    incoming.once('close', () => clearTimeout(timer));
    incoming.once('end', () => clearTimeout(timer));
    incoming.on('error', () => {});
    incoming.resume();
  });
}
