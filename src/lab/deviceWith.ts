import type { Device } from '../engine/device.ts';

/** The device with some of its methods in place of its own. */
export function deviceWith<D extends Device>(device: D, methods: Partial<Device>): D {
  return new Proxy(device, {
    get(target, key) {
      if (key in methods) return methods[key as keyof Device]; // one of them
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
