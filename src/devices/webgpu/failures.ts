/**
 * Collects what goes wrong on a GPU, which WebGPU reports late and in three ways (error scopes, `uncapturederror`,
 * `lost`), so that the next `read` throws it. The first failure stays: what follows it is not to be trusted.
 */
import { DeviceError } from '../../base/errors.ts';

export class Failures {
  #first: DeviceError | undefined;
  readonly #pending = new Set<Promise<void>>();
  /** Settles when the device is gone. */
  readonly lost: Promise<{ readonly reason: string }>;

  constructor(device: GPUDevice) {
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      this.#add(event.error, 'running commands');
    });
    this.lost = device.lost.then((info) => {
      const reason = info.message || info.reason || 'unknown';
      this.#first ??= new DeviceError('lost', `The GPU device is gone: ${reason}`, {
        hint: 'Load the model again; a driver reset or a closed session does this.',
      });
      return { reason };
    });
  }

  /** Notes the error that an error scope's promise gives, if any. */
  watch(scope: Promise<GPUError | null>, doing: string): void {
    const done: Promise<void> = scope
      .then(
        (error) => {
          if (error) this.#add(error, doing);
        },
        () => {
          // The scope of a lost device: `lost` has the reason.
        },
      )
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  /** Waits for the scopes that are open. @throws {DeviceError} the first failure */
  async check(): Promise<void> {
    if (this.#pending.size > 0) await Promise.all(this.#pending);
    if (this.#first) throw this.#first;
  }

  #add(error: GPUError, doing: string): void {
    // By name: where globals are not installed there is no class to compare with.
    const code = error.constructor.name === 'GPUOutOfMemoryError' ? 'outOfMemory' : 'validation';
    this.#first ??= new DeviceError(code, `${doing}: ${error.message}`, { cause: error });
  }
}
