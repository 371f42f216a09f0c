/**
 * A request that is answered before all of it has come, because it is too large or has no key: a client that is still sending
 * reads the answer only if its connection stays. So what comes is read and thrown away, up to a limit.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

const MOST_BYTES = 64 << 20;
const MOST_MS = 30_000;

/** Called before anything else looks at the request. */
export function drainUpload(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { socket } = incoming;
  // A client may ask that the connection be closed. Node does that with the answer, and what is still on its way to us
  // would then make the system reset the connection before the client has read it.
  const isLast = !outgoing.shouldKeepAlive;
  outgoing.shouldKeepAlive = true;
  outgoing.once('finish', () => {
    const end = (): void => {
      clearTimeout(timer);
      if (isLast) socket.end();
    };
    const timer = setTimeout(() => socket.destroy(), MOST_MS);
    timer.unref();
    if (incoming.complete || incoming.destroyed) {
      end();
      return;
    }
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) socket.destroy();
    });
    incoming.once('end', end);
    incoming.once('close', end);
    incoming.on('error', () => {});
    incoming.resume();
  });
}
