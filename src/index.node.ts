/** sotto in Node and Bun: models come from folders, the cache, installed packages or the hub; recordings from files. */
export { type ConvertOptions, convert } from '../weights/convert.ts';
export type { CacheOptions } from '../weights/options.ts';
export * from './index.ts';
export { load, type NodeLoadOptions } from './load.node.ts';
export type { AdapterOptions } from './runtime/adapterOptions.ts';
export { createNodePlatform } from './runtime/node.ts';
export { readAudio } from './runtime/nodeAudio.ts';
export type { TuningOptions } from './tuning/options.ts';
