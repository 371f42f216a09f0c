/** A model on a GPU that goes on when the GPU is lost: opened again, on it or on the CPU. */
import { DeviceError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { DeviceChoice } from '../devices/options.ts';
import type { Device } from '../engine/device.ts';
import type { ModelInference } from '../model/inference.ts';
import { type Engine, Engines } from './engines.ts';
import { LastingInference } from './lastingInference.ts';

/** What is known of an engine that may be another one later. */
export interface LastingEngine {
  readonly device: Pick<Device, 'kind' | 'description' | 'isSoftware' | 'close'>;
  readonly inference: ModelInference;
}

/** Opens the model once more. */
export type OpenAgain = (on: DeviceChoice, signal: AbortSignal) => Promise<Engine>;

/**
 * @param first  closed with what is returned
 * @param choice how its device was chosen, and is chosen again; the CPU goes on when the same work has lost two GPUs, or there is
 *   none any more, whoever chose: hours of work are worth more than the device
 */
export function keepEngine(
  first: Engine,
  choice: DeviceChoice,
  openAgain: OpenAgain,
  onWarning: CallOptions['onWarning'],
): LastingEngine {
  const engines = new Engines(first, async (losses, lost, signal) => {
    const words = lost instanceof DeviceError ? lost.message : `The GPU device is gone: ${String(lost)}`;
    const choices: readonly DeviceChoice[] = losses > 1 ? ['cpu'] : [choice, 'cpu'];
    let cause = lost;
    for (const on of choices) {
      try {
        const engine = await openAgain(on, signal);
        const message = `${words} The work goes on from where it was: ${engine.device.description}.`;
        onWarning?.({ code: 'gpuLost', message });
        return engine;
      } catch (error) {
        signal.throwIfAborted();
        cause = error;
      }
    }
    throw new DeviceError('lost', words, {
      hint: 'It could not be opened again, nor the CPU: load the model again.',
      cause,
    });
  });
  return {
    device: {
      get kind() {
        return engines.current.device.kind;
      },
      get description() {
        return engines.current.device.description;
      },
      get isSoftware() {
        return engines.current.device.isSoftware ?? false;
      },
      close: () => engines.close(),
    },
    inference: new LastingInference(engines),
  };
}
