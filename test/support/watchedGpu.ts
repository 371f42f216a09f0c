/** A GPU whose calls a test can see and play: every object it hands out is the real one behind a proxy. */

export interface WatchedGpu {
  readonly gpu: GPU;
  /** Names of the `create...` methods called on devices, in order. */
  readonly created: string[];
  /** The devices behind the proxies. */
  readonly devices: GPUDevice[];
  /** What the next error scopes give, in place of the truth. */
  readonly scopes: (GPUError | null)[];
}

/** @param onCreate told of each call of a `create...` method, before it is made */
export function watch(inner: GPU, onCreate: (name: string, device: GPUDevice) => void = () => {}): WatchedGpu {
  const created: string[] = [];
  const devices: GPUDevice[] = [];
  const scopes: (GPUError | null)[] = [];
  const device = (real: GPUDevice): GPUDevice => {
    devices.push(real);
    return over(real, (name, call) => (...args: unknown[]) => {
      if (name.startsWith('create')) {
        created.push(name);
        onCreate(name, real);
      }
      const result = call(...args);
      return name === 'popErrorScope' && scopes.length > 0 ? Promise.resolve(scopes.shift()) : result;
    });
  };
  const adapter = (real: GPUAdapter): GPUAdapter =>
    over(real, (name, call) => async (...args: unknown[]) => {
      const result = await call(...args);
      // requestDevice gives a GPUDevice, by WebGPU's own words.
      return name === 'requestDevice' ? device(result as GPUDevice) : result;
    });
  const gpu = over(inner, (name, call) => async (...args: unknown[]) => {
    const result = await call(...args);
    return name === 'requestAdapter' && result ? adapter(result as GPUAdapter) : result;
  });
  return { gpu, created, devices, scopes };
}

type Call = (...args: unknown[]) => unknown;

function over<T extends object>(real: T, wrap: (name: string, call: Call) => Call): T {
  return new Proxy(real, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      // Methods of native objects want the object itself as `this`.
      const call: Call = (...args) => Reflect.apply(value, target, args);
      return wrap(String(name), call);
    },
  });
}
