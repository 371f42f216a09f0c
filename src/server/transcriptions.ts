/** `POST /v1/audio/transcriptions`, `/v1/audio/translations` and `/v1/audio/alignments`, from the first byte of the form to the last of the answer. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Semaphore } from '../base/semaphore.ts';
import { anySignal, onAbort } from '../base/signals.ts';
import type { Segment } from '../transcribe/transcript.ts';
import { ApiError, ClientGone, logged, toApiError } from './errors.ts';
import { diarizedSegment, usageOf } from './formats.ts';
import { logprobsOf } from './logprobs.ts';
import type { ServedModel } from './models.ts';
import { checkLength, readForm } from './multipart.ts';
import { type Endpoint, readParameters } from './parameters.ts';
import type { ServerContext, ServerParts } from './parts.ts';
import { prepareSound } from './prepareSound.ts';
import type { Ticket } from './queue.ts';
import type { SpoolFolder } from './spool.ts';
import { type EventSink, eventStream } from './sse.ts';
import { segmentTexts, TextDeltas } from './textDeltas.ts';
import { runWork, type Work } from './work.ts';

/** Recordings decoded at once: each may be a process of ffmpeg. */
const DECODERS = 4;
/** Of a known text: 100,000 words and more. */
const MAX_TEXT_BYTES = 2 << 20;

export type Handler = (context: ServerContext) => Promise<Response>;

export function transcriptionHandler(parts: ServerParts): (endpoint: Endpoint) => Handler {
  const decoders = new Semaphore(DECODERS);
  return (endpoint) => (context) => transcribe(context, parts, endpoint, decoders);
}

/** What a request holds until its answer is there. */
interface Held {
  readonly ticket: Ticket;
  readonly folder: SpoolFolder;
  readonly signal: AbortSignal;
  end(): Promise<void>;
  /** All but the place in the queue. */
  release(): Promise<void>;
}

async function transcribe(
  context: ServerContext,
  parts: ServerParts,
  endpoint: Endpoint,
  decoders: Semaphore,
): Promise<Response> {
  checkLength(context.env.incoming, parts.limits.maxBytes);
  const held = await hold(context, parts);
  let isHandedOn = false;
  try {
    const { work, seconds } = await receive(context, parts, endpoint, decoders, held);
    if (isAsync(context)) {
      const job = await newJob(context, parts, work, seconds, held);
      isHandedOn = true;
      await held.release();
      return job;
    }
    if (work.asked.isStream) {
      isHandedOn = true;
      return streamed(context, parts, work, held);
    }
    const { answer } = await runWork(parts, work, held.ticket, held.signal);
    return new Response(answer.body, { headers: { 'content-type': answer.contentType } });
  } finally {
    if (!isHandedOn) await held.end();
  }
}

/** @throws {ApiError} 429 */
async function hold(context: ServerContext, { queue, spool, state }: ServerParts): Promise<Held> {
  const ticket = queue.enter(context.get('facts').client);
  const gone = new AbortController();
  const leave = (): void => gone.abort(new ClientGone());
  const client = context.req.raw.signal;
  const stopListening = onAbort(client, leave);
  const { signal, release } = anySignal(gone.signal, state.stopping);
  try {
    const folder = await spool.enter();
    const held: Held = {
      ...{ ticket, folder, signal },
      async end() {
        leave();
        ticket.leave();
        await held.release();
      },
      async release() {
        stopListening();
        release();
        await folder.remove();
      },
    };
    return held;
  } catch (error) {
    ticket.leave();
    stopListening();
    release();
    throw error;
  }
}

/** The form, checked, and its recording as it is transcribed. */
async function receive(
  context: ServerContext,
  { limits, reader, models, openSound, log }: ServerParts,
  endpoint: Endpoint,
  decoders: Semaphore,
  { ticket, folder, signal }: Held,
): Promise<{ readonly work: Work; readonly seconds: number }> {
  const { incoming, outgoing } = context.env;
  // Nothing was read so far: who asked first is told now that it may send.
  if (/100-continue/i.test(incoming.headers.expect ?? '')) outgoing.writeContinue();
  const { file, fields } = await readForm(incoming, {
    folder: folder.path,
    maxBytes: limits.maxBytes,
    maxFieldBytes: endpoint === 'align' ? MAX_TEXT_BYTES : undefined,
    idleMs: limits.uploadIdleMs,
    signal,
    onBytes: (count) => ticket.addBytes(count),
  });
  if (!file) throw new ApiError(400, 'There is no recording: send it as the part "file".', { param: 'file' });
  const { asked, settings } = readParameters(fields, endpoint, reader);
  const model = models.nameOf(asked.model);
  const facts = context.get('facts');
  const unlock = await decoders.lock(signal);
  try {
    const { path, seconds } = await prepareSound(file.path, join(folder.path, 'sound.wav'), {
      openSound,
      maxSeconds: limits.maxSeconds,
      keepsChannels: settings.transcribe.channels === 'speakers',
      signal,
      onWarning: ({ message }) => log(`${facts.requestId}: ${message.replaceAll(file.path, file.name)}`),
    });
    facts.seconds = seconds;
    ticket.setSeconds(seconds);
    await rm(file.path);
    return { work: { path, model, asked, settings }, seconds };
  } catch (error) {
    signal.throwIfAborted();
    const reason = logged(error);
    if (reason !== undefined) log(`${facts.requestId}: ${reason}`);
    throw toApiError(error, file);
  } finally {
    unlock();
  }
}

function isAsync({ req }: ServerContext): boolean {
  const value = req.query('async');
  return value !== undefined && !/^(?:false|0)$/i.test(value);
}

/** 202, and where to ask for it. */
async function newJob(
  context: ServerContext,
  { jobs }: ServerParts,
  { path, model, asked }: Work,
  seconds: number,
  { ticket }: Held,
): Promise<Response> {
  if (!jobs) throw new ApiError(400, 'This server keeps no jobs.', { param: 'async' });
  if (asked.isStream) throw new ApiError(400, 'A job has no stream: leave one of them out.', { param: 'stream' });
  const job = await jobs.add({ path, seconds, model, asked, owner: context.get('facts').owner }, ticket);
  return Response.json(job, { status: 202, headers: { location: `/v1/jobs/${job.id}` } });
}

/** `stream: true`: OpenAI's events, whose deltas joined are the text. */
function streamed(context: ServerContext, parts: ServerParts, work: Work, held: Held): Response {
  const { ticket, signal } = held;
  const { requestId } = context.get('facts');
  const send = async (sink: EventSink): Promise<void> => {
    try {
      let model: ServedModel | undefined;
      const isDiarized = work.asked.format === 'diarized_json';
      let textOf: ((segment: Segment) => string) | undefined;
      const deltas = new TextDeltas();
      const { transcript } = await runWork(parts, work, ticket, signal, {
        onBegin(loaded) {
          model = loaded;
          textOf =
            work.settings.transcribe.channels === 'speakers' ? ({ text }) => text : segmentTexts(loaded.tokenizer);
        },
        onSegment(segment) {
          const delta = deltas.push(textOf?.(segment) ?? '');
          if (delta !== '') {
            sink.send({ type: 'transcript.text.delta', delta, ...(isDiarized && { segment_id: String(segment.id) }) });
          }
          if (isDiarized) sink.send(diarizedSegment(segment));
          if (work.asked.format !== 'verbose_json') return;
          const { id, start, end, text, speaker } = segment;
          const who = speaker !== undefined && { speaker };
          sink.send({ type: 'transcript.text.segment', id: String(id), start, end, text, ...who });
        },
      });
      const { delta, text } = deltas.end(transcript.text);
      if (delta !== '') sink.send({ type: 'transcript.text.delta', delta });
      const logprobs = work.asked.wantsLogprobs && model ? logprobsOf(transcript.segments, model.tokenizer) : undefined;
      sink.send({
        type: 'transcript.text.done',
        text,
        ...(logprobs && { logprobs }),
        usage: usageOf(transcript),
      });
    } finally {
      await held.end();
    }
  };
  return eventStream(send, {
    comment: () => (ticket.position > 0 ? `position ${ticket.position}` : 'working'),
    onCancel: () => void held.end(),
    onError(error) {
      const reason = logged(error);
      if (error instanceof ClientGone) parts.metrics.abandoned();
      else if (reason !== undefined) parts.log(`${requestId}: ${reason}`);
    },
  });
}
