/** Every reader that takes bytes from outside, with good inputs to damage. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryBytes } from '../../src/audio/byteSource.ts';
import { decodeAudio } from '../../src/audio/decode.ts';
import { readPcmStream } from '../../src/audio/pcmStream.ts';
import { concat } from '../../src/base/bytes.ts';
import { readConfig } from '../../src/checkpoint/config.ts';
import { writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { memorySource, type OpenSource } from '../../src/checkpoint/source.ts';
import { openTensorFiles } from '../../src/checkpoint/tensorFiles.ts';
import type { TensorSet } from '../../src/checkpoint/tensorSet.ts';
import { readTokenizerJson } from '../../src/checkpoint/tokenizerJson.ts';
import { unpackJsonCache } from '../../src/checkpoint/unpackJsonCache.ts';
import { openOnnxFiles } from '../../weights/onnx.ts';
import { packJsonCache } from '../../weights/packJsonCache.ts';
import { integerBytes, noise, sweep, wavFile } from '../audio/sounds.ts';
import { ffmpegEncode } from '../support/ffmpeg.ts';
import { onnxBytes, type TestGraph } from '../support/onnxWriter.ts';
import { tinyPackage } from '../support/paths.ts';
import { mutateBytes, mutateJson } from './mutate.ts';

export interface Reader {
  /** Good inputs. */
  seeds(): Promise<readonly Uint8Array[]>;
  damage(seed: Uint8Array, number: number): Uint8Array;
  /** Reads all of it, and throws what the reader throws. */
  read(bytes: Uint8Array): Promise<void>;
}

const SECONDS = 1.5;
const RATE = 44100;

/** Noise, a sweep and silence: what codecs treat differently. */
function sound(rate: number, nChannels: number): Float32Array {
  const n = Math.floor(SECONDS * rate) * nChannels;
  const parts = [sweep(n >> 1, 3), noise(n >> 2, 5), new Float32Array(n - (n >> 1) - (n >> 2))];
  return concat(Float32Array, parts);
}

async function decode(bytes: Uint8Array): Promise<void> {
  for await (const _samples of decodeAudio(memoryBytes(bytes)));
}

/** A reader of recordings, whose good inputs ffmpeg makes: each with its arguments, a rate and a number of channels. */
function encoded(...ways: readonly (readonly [args: string, rate: number, nChannels: number])[]): Reader {
  return {
    seeds: async () =>
      ways.map(([args, rate, nChannels]) => ffmpegEncode(sound(rate, nChannels), rate, nChannels, args.split(' '))),
    damage: mutateBytes,
    read: decode,
  };
}

function wavSeeds(): Uint8Array[] {
  const values = sound(RATE / 2, 2).map((v) => v * 32767);
  const ints = integerBytes(values, 16);
  const floats = new Uint8Array(sound(16000, 1).buffer);
  return [
    wavFile({ tag: 1, bits: 16, sampleRate: RATE / 2, nChannels: 2, data: ints }),
    wavFile({ tag: 3, bits: 32, data: floats, between: [['LIST', new Uint8Array(50)]] }),
    wavFile({ tag: 1, bits: 24, nChannels: 4, channelMask: 0x33, riff: 'RF64', data: ints.subarray(0, 24000) }),
    wavFile({ tag: 7, bits: 8, sampleRate: 8000, riff: 'RIFX', data: ints.subarray(0, 12000) }),
  ];
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

const folder =
  (files: Readonly<Record<string, Uint8Array>>): OpenSource =>
  async (name) =>
    Object.hasOwn(files, name) && files[name] ? memorySource(name, files[name]) : undefined;

async function readTensors(set: TensorSet | undefined): Promise<void> {
  for (const name of set?.names ?? []) await set?.read(name);
  await set?.close();
}

async function safetensorsBytes(names: readonly string[]): Promise<Uint8Array> {
  const tensors = names.map((name, i) => ({
    name,
    dtype: i % 2 === 0 ? ('F32' as const) : ('F16' as const),
    shape: [i + 2, 8],
    data: async () => ({ dtype: 'f32' as const, values: noise(8 * (i + 2), i) }),
  }));
  const parts: Uint8Array[] = [];
  for await (const part of writeSafetensors(tensors, { format: 'pt' })) parts.push(part.slice());
  return concat(Uint8Array, parts);
}

const TENSORS = ['a', 'b.weight', 'c.bias'];
const FILES = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;

const CONFIG = {
  model_type: 'whisper',
  activation_function: 'gelu',
  d_model: 8,
  num_mel_bins: 80,
  max_source_positions: 1500,
  encoder_layers: 2,
  encoder_attention_heads: 2,
  encoder_ffn_dim: 32,
  vocab_size: 51865,
  max_target_positions: 448,
  decoder_layers: 2,
  decoder_attention_heads: 2,
  decoder_ffn_dim: 32,
};
const GENERATION = { is_multilingual: true, alignment_heads: [[1, 0]], suppress_tokens: [1, 2, 7] };

const textOf = (value: unknown): string => JSON.stringify(value);
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(textOf(value));
const stringOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A reader of JSON, one text of which is damaged. */
function json(value: () => unknown, read: (text: string) => unknown): Reader {
  let parsed: unknown;
  return {
    seeds: async () => [bytesOf(value())],
    damage(_seed, number) {
      parsed ??= value();
      return mutateJson(parsed, number);
    },
    async read(bytes) {
      await read(stringOf(bytes));
    },
  };
}

const tokenizer = (): unknown => JSON.parse(readFileSync(join(tinyPackage, 'tokenizer.json'), 'utf8'));

async function jsonCache(): Promise<Uint8Array> {
  const config = readConfig({ name: 'config', text: textOf(CONFIG) }, { name: 'generation', text: textOf(GENERATION) });
  const read = readTokenizerJson('tokenizer', textOf(tokenizer()), CONFIG.vocab_size);
  return packJsonCache({ config, tokenizer: read, checksums: { 'config.json': '1-2-3' } });
}

const ENCODER: TestGraph = {
  tensors: {
    'conv1.weight': { shape: [2, 1, 2], type: 1, raw: Float32Array.of(1, 2, 3, 4) },
    'layers.0.fc1.bias': { shape: [2], type: 1, floats: [5, 6] },
    'onnx::MatMul_7': { shape: [3, 2], type: 1, raw: Float32Array.of(1, 2, 3, 4, 5, 6) },
    w_q: { shape: [2, 3], type: 2, raw: Uint8Array.of(0, 1, 255, 128, 127, 3) },
    w_s: { shape: [], type: 1, floats: [0.1] },
    w_z: { shape: [], type: 2, ints: [128] },
  },
  nodes: [
    { op: 'MatMul', name: '/layers.0/fc1/MatMul', in: ['x', 'onnx::MatMul_7'], out: ['y'] },
    { op: 'DynamicQuantizeLinear', in: ['y'], out: ['yq', 'ys', 'yz'] },
    { op: 'MatMulInteger', name: '/layers.0/fc2/MatMul_quant', in: ['yq', 'w_q', 'yz', 'w_z'], out: ['i'] },
    { op: 'Cast', in: ['i'], out: ['f'] },
    { op: 'Mul', in: ['ys', 'w_s'], out: ['s'] },
    { op: 'Mul', in: ['f', 's'], out: ['z'] },
  ],
};
const DECODER: TestGraph = { nodes: [{ op: 'If', branches: [ENCODER, { nodes: [] }] }] };

export const READERS: Readonly<Record<string, Reader>> = {
  wav: { seeds: async () => wavSeeds(), damage: mutateBytes, read: decode },
  wavStream: {
    seeds: async () => wavSeeds(),
    damage: mutateBytes,
    async read(bytes) {
      for await (const _samples of readPcmStream(pieces(bytes)));
    },
  },
  flac: encoded(['-f flac', RATE, 2], ['-f flac -sample_fmt s32', 16000, 1], ['-f flac -frame_size 256', 8000, 6]),
  oggFlac: encoded(['-c:a flac -f ogg', RATE, 2]),
  mp3: encoded(
    ['-c:a libmp3lame -b:a 96k -f mp3', RATE, 2],
    ['-c:a libmp3lame -b:a 32k -f mp3', 24000, 1],
    ['-c:a libmp3lame -q:a 5 -write_xing 0 -f mp3', 8000, 1],
  ),
  mp2: encoded(['-c:a mp2 -b:a 128k -f mp2', RATE, 2], ['-c:a mp2 -b:a 48k -f mp2', 16000, 1]),
  vorbis: encoded(['-c:a libvorbis -q:a 2 -f ogg', RATE, 2], ['-c:a libvorbis -f ogg', 16000, 1]),
  opusMusic: encoded(['-c:a libopus -b:a 64k -application audio -f ogg', 48000, 2]),
  opusSpeech: encoded(
    ['-c:a libopus -b:a 12k -application voip -f ogg', 16000, 1],
    ['-c:a libopus -b:a 28k -application voip -f ogg', 48000, 2],
  ),
  safetensors: {
    seeds: async () => [await safetensorsBytes(TENSORS)],
    damage: mutateBytes,
    async read(bytes) {
      await readTensors(await openTensorFiles(folder({ 'model.safetensors': bytes })));
    },
  },
  index: {
    ...json(
      () => ({
        metadata: { total_size: 1000 },
        weight_map: Object.fromEntries(TENSORS.map((t, i) => [t, FILES[i % 2]])),
      }),
      () => {},
    ),
    async read(bytes) {
      shards ??= [await safetensorsBytes(TENSORS), await safetensorsBytes(TENSORS)];
      const [first, second] = shards;
      const files = { [FILES[0]]: first, [FILES[1]]: second, 'model.safetensors.index.json': bytes };
      await readTensors(await openTensorFiles(folder(files)));
    },
  },
  config: json(
    () => CONFIG,
    (text) => readConfig({ name: 'config.json', text }, undefined),
  ),
  generation: json(
    () => GENERATION,
    (text) => readConfig({ name: 'config.json', text: textOf(CONFIG) }, { name: 'generation_config.json', text }),
  ),
  tokenizer: json(tokenizer, (text) => readTokenizerJson('tokenizer.json', text, CONFIG.vocab_size)),
  msgpack: {
    seeds: async () => [await jsonCache()],
    damage: mutateBytes,
    async read(bytes) {
      await unpackJsonCache('sotto.msgpack', bytes);
    },
  },
  onnx: {
    seeds: async () => [onnxBytes(ENCODER), onnxBytes(DECODER)],
    damage: mutateBytes,
    async read(bytes) {
      const decoder = onnxBytes({ nodes: [] });
      await readTensors(
        await openOnnxFiles(folder({ 'encoder_model.onnx': bytes, 'decoder_model_merged.onnx': decoder })),
      );
    },
  },
};

let shards: readonly [Uint8Array, Uint8Array] | undefined;
