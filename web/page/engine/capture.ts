/** In the audio thread: samples as they come, in pieces of a tenth of a second. */

/** As much as is used of an audio worklet's scope, which the types of a page do not have. */
declare const registerProcessor: (name: string, processor: new () => object) => void;
declare const AudioWorkletProcessor: new () => { readonly port: MessagePort };

const PIECE = 1600;

class Capture extends AudioWorkletProcessor {
  #piece = new Float32Array(PIECE);
  #length = 0;

  /** @param inputs the sound of this moment, a channel each, 128 samples */
  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const samples = inputs[0]?.[0];
    for (const sample of samples ?? []) {
      this.#piece[this.#length++] = sample;
      if (this.#length < PIECE) continue;
      this.port.postMessage(this.#piece);
      this.#piece = new Float32Array(PIECE);
      this.#length = 0;
    }
    return true;
  }
}

registerProcessor('capture', Capture);
