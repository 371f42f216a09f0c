/** The page's side of its engine: a worker, started anew for each setup, ended when its memory is to be given back. */
import type { PageOptions } from '../asked.ts';
import type { EngineSetup, FromEngine, ToEngine } from './messages.ts';

export class Engine {
  readonly #worker: Worker;

  constructor(setup: EngineSetup, onMessage: (message: FromEngine) => void) {
    // The build writes into the page how the worker's file is called.
    const file = document.body.dataset.engine ?? '';
    this.#worker = new Worker(new URL(file, document.baseURI), { type: 'module', name: 'sotto' });
    this.#worker.onmessage = ({ data }: MessageEvent<FromEngine>) => onMessage(data); // of worker.ts
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const message = event.message || 'The part of this page that computes could not be loaded.';
      onMessage({ kind: 'loadFailed', failure: { code: undefined, message, hint: 'Reload the page.' } });
    };
    this.#send({ kind: 'load', setup });
  }

  /**
   * @param run   is in every word about it
   * @param audio a recording, or its address
   */
  transcribe(run: number, audio: Blob | string, name: string, options: PageOptions): void {
    this.#send({ kind: 'transcribe', run, audio, name, options });
  }

  /** @param samples 16 kHz mono in arrays; null ends the recording */
  listen(run: number, samples: MessagePort, options: PageOptions): void {
    this.#worker.postMessage({ kind: 'listen', run, samples, options } satisfies ToEngine, [samples]);
  }

  /** What is being decoded is finished first. */
  pause(isPaused: boolean): void {
    this.#send({ kind: 'pause', isPaused });
  }

  abort(): void {
    this.#send({ kind: 'abort' });
  }

  close(): void {
    this.#worker.terminate();
  }

  #send(message: ToEngine): void {
    this.#worker.postMessage(message);
  }
}
