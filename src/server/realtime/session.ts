/**
 * A session of `/v1/realtime` that transcribes: sound comes in pieces, each turn of speech becomes an item with a text. A turn
 * begins and ends where the level says so, or, without turn detection, with the first sound and `input_audio_buffer.commit`.
 *
 * @see https://platform.openai.com/docs/guides/realtime-transcription
 */
import { randomBytes } from 'node:crypto';
import { readPcmStream } from '../../audio/pcmStream.ts';
import { anySignal } from '../../base/signals.ts';
import { ApiError, logged, toApiError } from '../errors.ts';
import type { Models } from '../models.ts';
import { TextDeltas } from '../textDeltas.ts';
import { ByteFeed } from './byteFeed.ts';
import { fromALaw, fromMuLaw } from './g711.ts';
import { DEFAULT_CONFIG, RATES, type SessionConfig, shownConfig, updatedConfig } from './sessionConfig.ts';
import { SpeechGate } from './speechGate.ts';

export interface SessionOptions {
  readonly models: Models;
  readonly send: (event: object) => void;
  readonly log: (line: string) => void;
  /** Whether more sound is wanted now: false when much waits to be decoded. */
  readonly onDemand: (wanted: boolean) => void;
  /** Of the address that the client asked for. */
  readonly model: string | undefined;
  readonly signal: AbortSignal;
}

/** One turn. */
interface Item {
  readonly id: string;
  readonly feed: ByteFeed;
  readonly abort: AbortController;
  /** Text that is known before the client was told of the item. */
  held: string;
  isAnnounced: boolean;
  samples: number;
}

type ClientEvent = Readonly<Record<string, unknown>>;

/** Of 16-bit samples that wait: two minutes at 24 kHz. */
const MOST_WAITING = 6 << 20;

export class RealtimeSession {
  readonly #options: SessionOptions;
  readonly #id = newId('sess');
  #config: SessionConfig;
  #gate: SpeechGate | undefined;
  #item: Item | undefined;
  #previous: string | null = null;
  /** Samples that do not fill a frame of the gate yet. */
  #rest: Int16Array = new Int16Array(0);
  /** What was heard last without speech, to stand before it. */
  #before: Int16Array[] = [];
  /** Samples heard so far. */
  #heard = 0;
  readonly #waiting = new Set<ByteFeed>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#config = { ...DEFAULT_CONFIG, model: options.model };
    this.#prepareGate();
    this.#send('session.created', { session: this.#shown() });
  }

  /** @param text of one message */
  receive(text: string): void {
    let event: ClientEvent = {};
    try {
      event = parsed(text);
      this.#handle(event);
    } catch (error) {
      const reason = logged(error);
      if (reason !== undefined) this.#options.log(`${this.#id}: ${reason}`);
      const { event_id: id = null } = event;
      this.#send('error', { error: { ...toApiError(error).body, event_id: id } });
    }
  }

  #handle(event: ClientEvent): void {
    switch (event.type) {
      case 'session.update':
      case 'transcription_session.update':
        this.#update(event.session);
        this.#send(`${event.type}d`, { session: this.#shown() });
        return;
      case 'input_audio_buffer.append':
        this.#append(event.audio);
        return;
      case 'input_audio_buffer.commit':
        if (!this.#item) {
          throw new ApiError(400, 'There is no sound to commit.', { code: 'input_audio_buffer_commit_empty' });
        }
        this.#commit();
        return;
      case 'input_audio_buffer.clear':
        this.#drop();
        this.#send('input_audio_buffer.cleared', {});
        return;
      default:
        throw new ApiError(400, `There is no event ${String(event.type).slice(0, 100)} here.`, {
          param: 'type',
          code: 'unknown_event',
        });
    }
  }

  #update(session: unknown): void {
    const config = updatedConfig(this.#config, session);
    this.#options.models.nameOf(config.model);
    if (this.#item && config.format !== this.#config.format) {
      throw new ApiError(400, 'The format cannot change while a turn is going on.', { code: 'invalid_value' });
    }
    this.#config = config;
    if (!this.#item) this.#prepareGate();
  }

  #append(audio: unknown): void {
    if (typeof audio !== 'string') throw new ApiError(400, 'audio is base64 text.', { param: 'audio' });
    const samples = samplesOf(Buffer.from(audio, 'base64'), this.#config.format);
    const { turns } = this.#config;
    const gate = this.#gate;
    if (!turns || !gate) {
      this.#heard += samples.length;
      this.#hear(samples);
      return;
    }
    const all = joined([this.#rest, samples]);
    let at = 0;
    for (; at + gate.frame <= all.length; at += gate.frame)
      this.#pushFrame(all.slice(at, at + gate.frame), gate, turns.prefixMs);
    this.#rest = all.slice(at);
  }

  #pushFrame(frame: Int16Array, gate: SpeechGate, prefixMs: number): void {
    const change = gate.push(frame);
    this.#heard += frame.length;
    const ms = (samples: number): number => Math.max(0, Math.round((1000 * samples) / RATES[this.#config.format]));
    if (change === 'start') {
      const before = joined(this.#before);
      this.#before = [];
      const item = this.#begin();
      item.isAnnounced = true;
      const start = ms(this.#heard - frame.length - before.length);
      this.#send('input_audio_buffer.speech_started', { audio_start_ms: start, item_id: item.id });
      this.#hear(before);
    }
    if (this.#item) this.#hear(frame);
    else {
      this.#before.push(frame);
      const most = Math.ceil((prefixMs * RATES[this.#config.format]) / 1000 / gate.frame);
      // The frames that opened the gate are speech too.
      while (this.#before.length > most + 3) this.#before.shift();
    }
    if (change === 'stop' && this.#item) {
      const { id } = this.#item;
      this.#send('input_audio_buffer.speech_stopped', { audio_end_ms: ms(this.#heard), item_id: id });
      this.#commit();
    }
  }

  #hear(samples: Int16Array): void {
    if (samples.length === 0) return;
    const item = this.#item ?? this.#begin();
    item.samples += samples.length;
    item.feed.push(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    this.#watchDemand();
  }

  #begin(): Item {
    const feed = new ByteFeed(() => this.#watchDemand());
    const item: Item = {
      id: newId('item'),
      feed,
      abort: new AbortController(),
      held: '',
      isAnnounced: false,
      samples: 0,
    };
    this.#item = item;
    this.#waiting.add(feed);
    void this.#transcribe(item, this.#config).finally(() => {
      this.#waiting.delete(feed);
      this.#watchDemand();
    });
    return item;
  }

  #commit(): void {
    const item = this.#item;
    if (!item) return;
    this.#item = undefined;
    this.#gate?.reset();
    item.feed.end();
    this.#send('input_audio_buffer.committed', { item_id: item.id, previous_item_id: this.#previous });
    this.#previous = item.id;
    item.isAnnounced = true;
    this.#delta(item, '');
  }

  /** What was said in this turn is forgotten. */
  #drop(): void {
    const item = this.#item;
    this.#item = undefined;
    this.#rest = new Int16Array(0);
    this.#before = [];
    this.#gate?.reset();
    item?.abort.abort();
    item?.feed.end();
  }

  async #transcribe(item: Item, { format, model, language, prompt, keywords }: SessionConfig): Promise<void> {
    const { models } = this.#options;
    const { signal, release } = anySignal(this.#options.signal, item.abort.signal);
    const deltas = new TextDeltas();
    try {
      await models.use(models.nameOf(model), signal, async (whisper) => {
        const raw = { format: 's16le', sampleRate: RATES[format], nChannels: 1 } as const;
        const samples = readPcmStream(item.feed, raw, { signal });
        const hotwords = keywords.length > 0 ? keywords.join(', ') : undefined;
        const updates = whisper.stream(samples, { language, initialPrompt: prompt, hotwords, signal });
        for await (const { stable } of updates) this.#delta(item, deltas.push(stable));
      });
      signal.throwIfAborted();
      const seconds = item.samples / RATES[format];
      this.#send('conversation.item.input_audio_transcription.completed', {
        ...{ item_id: item.id, content_index: 0, transcript: deltas.end().text },
        usage: { type: 'duration', seconds: Math.ceil(seconds) },
      });
    } catch (error) {
      if (signal.aborted) return;
      const reason = logged(error);
      if (reason !== undefined) this.#options.log(`${this.#id}: ${reason}`);
      this.#send('conversation.item.input_audio_transcription.failed', {
        ...{ item_id: item.id, content_index: 0, error: toApiError(error).body },
      });
      if (this.#item === item) this.#drop();
    } finally {
      release();
    }
  }

  /** Clients know an item from its beginning or its commit on: before that its text is kept. */
  #delta(item: Item, text: string): void {
    item.held += text;
    if (!item.isAnnounced || item.held === '') return;
    this.#send('conversation.item.input_audio_transcription.delta', {
      ...{ item_id: item.id, content_index: 0, delta: item.held },
    });
    item.held = '';
  }

  #watchDemand(): void {
    let size = 0;
    for (const feed of this.#waiting) size += feed.size;
    this.#options.onDemand(size < MOST_WAITING);
  }

  #prepareGate(): void {
    const { turns, format } = this.#config;
    this.#rest = new Int16Array(0);
    this.#before = [];
    this.#gate =
      turns === null
        ? undefined
        : new SpeechGate({ sampleRate: RATES[format], threshold: turns.threshold, silenceMs: turns.silenceMs });
  }

  #shown(): object {
    return { id: this.#id, object: 'realtime.transcription_session', ...shownConfig(this.#config) };
  }

  #send(type: string, fields: object): void {
    this.#options.send({ type, event_id: newId('event'), ...fields });
  }
}

function parsed(text: string): ClientEvent {
  try {
    const event: unknown = JSON.parse(text);
    if (typeof event === 'object' && event !== null) return event as ClientEvent; // an object
  } catch {
    // Told below.
  }
  throw new ApiError(400, 'A message is an event: a JSON object with a type.', { code: 'invalid_event' });
}

/** @returns 16 bits each */
function samplesOf(bytes: Buffer, format: SessionConfig['format']): Int16Array {
  if (format === 'audio/pcm') {
    if (bytes.length % 2 !== 0) throw new ApiError(400, 'audio has half a sample: 16 bits each.', { param: 'audio' });
    return Int16Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i));
  }
  return Int16Array.from(bytes, format === 'audio/pcmu' ? fromMuLaw : fromALaw);
}

function joined(parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function newId(kind: string): string {
  return `${kind}_${randomBytes(12).toString('hex')}`;
}
