/**
 * Server-sent events: `data: {...}` for each, a comment now and then so that nobody on the way takes a long silence for the end.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { toApiError } from './errors.ts';

export interface ServerEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface EventSink {
  send(event: ServerEvent): void;
  /** A comment, which clients do not see. */
  comment(text: string): void;
}

/** Well below the minute after which proxies give up. */
const KEEP_ALIVE_MS = 10_000;

export interface EventStreamOptions {
  /** Text of the comments; the position in the queue, say. */
  readonly comment: () => string;
  readonly onError: (error: unknown) => void;
  /** The reader is gone. */
  readonly onCancel: () => void;
  readonly keepAliveMs?: number | undefined;
}

/** @param work sends events until it is done; what it throws is sent as an error, unless the reader is gone */
export function eventStream(
  work: (sink: EventSink) => Promise<void>,
  { comment, onError, onCancel, keepAliveMs = KEEP_ALIVE_MS }: EventStreamOptions,
): Response {
  const utf8 = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  let isGone = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const write = (text: string): void => {
        if (!isGone) controller.enqueue(utf8.encode(text));
      };
      const sink: EventSink = {
        send: (event) => write(`data: ${JSON.stringify(event)}\n\n`),
        comment: (text) => write(`: ${text}\n\n`),
      };
      timer = setInterval(() => sink.comment(comment()), keepAliveMs);
      // The headers go out with it.
      sink.comment(comment());
      work(sink)
        .catch((error: unknown) => {
          onError(error);
          // A client raises it as its own error.
          write(`event: error\ndata: ${JSON.stringify({ error: toApiError(error).body })}\n\n`);
        })
        .finally(() => {
          clearInterval(timer);
          if (!isGone) controller.close();
        });
    },
    cancel() {
      isGone = true;
      clearInterval(timer);
      onCancel();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      // nginx would hold events back.
      'x-accel-buffering': 'no',
    },
  });
}
