/**
 * The models of a server by name: loaded when they are first asked for, let go when nobody has used them for a while, loaded
 * again after their device was lost.
 */
import { DeviceError } from '../base/errors.ts';
import { untilAborted } from '../base/signals.ts';
import { namedModel } from '../checkpoint/modelNames.ts';
import type { Whisper } from '../whisper.ts';
import { ApiError } from './errors.ts';

/** What a server uses of a loaded model. */
export type ServedModel = Pick<Whisper, 'transcribe' | 'align' | 'stream' | 'detectLanguage' | 'tokenizer' | 'close'>;

export interface ModelsOptions {
  /** The first one serves requests that name none, and OpenAI's names. */
  readonly names: readonly [string, ...string[]];
  /** @param signal the server is being stopped */
  readonly load: (name: string, signal: AbortSignal) => Promise<ServedModel>;
  /** Milliseconds without use after which a model is let go; Infinity: never. */
  readonly idleMs: number;
  /** Told when a model comes or goes. */
  readonly onChange?: ((name: string, isLoaded: boolean) => void) | undefined;
}

/** One of `GET /v1/models`. */
export interface ModelEntry {
  readonly id: string;
  readonly object: 'model';
  /** Unix seconds. */
  readonly created: number;
  readonly owned_by: string;
}

interface Place {
  readonly name: string;
  model: Promise<ServedModel> | undefined;
  users: number;
  timer: NodeJS.Timeout | undefined;
}

/** OpenAI's names for models that transcribe, under which clients ask for the default one. */
const OPENAI_NAMES = ['whisper-1', 'gpt-4o-transcribe', 'gpt-4o-mini-transcribe', 'gpt-transcribe'] as const;
/** Also those of sessions, and with the date of a version. */
const OPENAI_NAME = /^(?:whisper-1|gpt-(?:4o-|4o-mini-|live-)?transcribe|gpt-realtime-whisper)(?:-\d{4}-\d\d-\d\d)?$/;

export class Models {
  readonly #options: ModelsOptions;
  readonly #places: readonly [Place, ...Place[]];
  readonly #created = Math.floor(Date.now() / 1000);
  readonly #closing = new AbortController();

  constructor(options: ModelsOptions) {
    this.#options = options;
    const [first, ...more] = options.names;
    this.#places = [emptyPlace(first), ...more.map(emptyPlace)];
  }

  /** All names that requests may have. */
  get list(): readonly ModelEntry[] {
    const entry = (id: string, owner: string): ModelEntry => ({
      id,
      object: 'model',
      created: this.#created,
      owned_by: owner,
    });
    return [
      ...this.#places.map(({ name }) => entry(name, 'sotto')),
      ...OPENAI_NAMES.map((name) => entry(name, `sotto, as ${this.#places[0].name}`)),
    ];
  }

  /** Of the models, how many are loaded or being loaded. */
  get loaded(): number {
    return this.#places.filter(({ model }) => model).length;
  }

  /** @throws {ApiError} 404 `model_not_found` */
  entry(given: string): ModelEntry {
    const found = this.list.find(({ id }) => id === given);
    if (found) return found;
    return { ...this.list[0]!, id: this.nameOf(given) };
  }

  /**
   * The model that is meant.
   *
   * @param given a name as it was given to the server, OpenAI's, or another of the same model: `openai/whisper-base`
   * @throws {ApiError} 404 `model_not_found`
   */
  nameOf(given: string | undefined): string {
    if (given === undefined || OPENAI_NAME.test(given)) return this.#places[0].name;
    const exact = this.#places.find(({ name }) => name === given);
    if (exact) return exact.name;
    const meant = namedModel(given)?.name;
    const same = this.#places.find(({ name }) => meant !== undefined && namedModel(name)?.name === meant);
    if (same) return same.name;
    const shown = given.length > 100 ? `${given.slice(0, 100)}...` : given;
    const names = this.#places.map(({ name }) => name).join(', ');
    const why = /diarize/.test(given)
      ? ' It knows voices, which this server does not: with another model, channels=speakers tells the parties of a call apart.'
      : '';
    throw new ApiError(404, `There is no model ${shown} on this server, which has ${names}.${why}`, {
      param: 'model',
      code: 'model_not_found',
    });
  }

  /** Loads the default model. @throws what loading throws */
  async preload(): Promise<void> {
    await this.use(this.#places[0].name, undefined, async () => {});
  }

  /**
   * Works with a model, which stays loaded meanwhile.
   *
   * @param signal ends the wait for it; loading goes on for who asks next
   */
  async use<T>(name: string, signal: AbortSignal | undefined, work: (model: ServedModel) => Promise<T>): Promise<T> {
    const place = this.#places.find((each) => each.name === name) ?? this.#places[0];
    place.users++;
    clearTimeout(place.timer);
    let used: Promise<ServedModel> | undefined;
    try {
      used = this.#load(place);
      return await work(await untilAborted(used, signal));
    } catch (error) {
      if (error instanceof DeviceError && place.model === used) await this.#letGo(place);
      throw error;
    } finally {
      place.users--;
      this.#watch(place);
    }
  }

  /** Ends all of them, with what they are working on. */
  async close(): Promise<void> {
    this.#closing.abort(stopped());
    await Promise.all(this.#places.map((place) => this.#letGo(place)));
  }

  #load(place: Place): Promise<ServedModel> {
    this.#closing.signal.throwIfAborted();
    if (place.model) return place.model;
    const { name } = place;
    const model = this.#options.load(name, this.#closing.signal).then(async (loaded) => {
      if (place.model !== model) await loaded.close();
      return loaded;
    });
    place.model = model;
    this.#options.onChange?.(name, true);
    model.catch(() => {
      // The next request tries again.
      if (place.model !== model) return;
      place.model = undefined;
      this.#options.onChange?.(name, false);
    });
    return model;
  }

  #watch(place: Place): void {
    clearTimeout(place.timer);
    const { idleMs } = this.#options;
    if (place.users > 0 || !place.model || !Number.isFinite(idleMs)) return;
    place.timer = setTimeout(() => void this.#letGo(place), idleMs);
    place.timer.unref();
  }

  async #letGo(place: Place): Promise<void> {
    clearTimeout(place.timer);
    const { model } = place;
    if (!model) return;
    place.model = undefined;
    this.#options.onChange?.(place.name, false);
    // One that failed to load has nothing to close.
    const loaded = await model.catch(() => undefined);
    await loaded?.close();
  }
}

function stopped(): ApiError {
  return new ApiError(503, 'The server is being stopped.', { code: 'shutting_down' });
}

function emptyPlace(name: string): Place {
  return { name, model: undefined, users: 0, timer: undefined };
}
