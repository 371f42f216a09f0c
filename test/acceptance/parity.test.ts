/**
 * The command held against openai/whisper by the acceptance script beside the repository: tokens, times, text and
 * scores of whole recordings, from file to JSON.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { program } from '../support/command.ts';
import { ffmpegOrSkip } from '../support/ffmpeg.ts';
import { sharedOrSkip } from '../support/paths.ts';
import { openOrSkip } from '../support/webgpu.ts';

interface Row {
  readonly model: 'tiny' | 'base';
  readonly device: 'cpu' | 'webgpu';
  /** Ways to decode, by the names of the reference; greedy when absent. */
  readonly kinds?: readonly string[];
  readonly clips: readonly string[];
}

/** All that the reference has of short recordings, but for greedy. */
const everyKind = [
  ...['default', 'beam2', 'beam5', 'beam5_patience2_lp', 'translate', 'translate_beam5', 'language_de', 'language_en'],
  ...['words', 'words_beam5', 'punctuation', 'clip', 'clips', 'prompt', 'prefix', 'prefix_notimestamps'],
  ...['notimestamps', 'suppress_none', 'suppress_punctuation', 'suppress_list'],
  ...['noblank', 'maxinit_none', 'maxinit_half', 'samplelen', 'nothresholds'],
];

/** Short ones where a software GPU computes; each is one line of the acceptance script's own table. */
const rows: readonly Row[] = [
  {
    model: 'tiny',
    device: 'cpu',
    clips: [
      'edge_(empty|short|silence|24bit|8bit|8khz|truncated|extensible|music)_\\w+',
      'edge_jfk_1_(opus|mp3)',
      '(ar|ko)_rhino_\\d',
      'ja_whisperkit_1',
      'long_en_lj_1',
    ],
  },
  { model: 'base', device: 'cpu', clips: ['en_jfk_1', 'zh_azure_1', 'fr_cheetah_2'] },
  { model: 'tiny', device: 'cpu', kinds: everyKind, clips: ['en_jfk_1', 'es_leopard_1'] },
  { model: 'tiny', device: 'cpu', kinds: ['hallucination', 'noprev', 'prompt_carry'], clips: ['en_harvard_1'] },
  { model: 'tiny', device: 'webgpu', kinds: ['words_beam5'], clips: ['es_leopard_1'] },
  { model: 'tiny', device: 'webgpu', clips: ['en_azure_1', 'zh_uberi_1', 'ko_rhino_1', 'de_cheetah_2'] },
];
/** Containers that only ffmpeg opens. */
const byFfmpeg: Row = { model: 'tiny', device: 'cpu', clips: ['edge_jfk_1_m4a', 'edge_webm_1'] };

const shared = sharedOrSkip('parity with openai/whisper');
const script = shared && join(shared, 'accept/parity.mjs');
if (script && existsSync(script)) {
  const test = suite('acceptance');
  const only = process.argv[2] ?? '';
  for (const { model, device, kinds = ['greedy'], clips } of ffmpegOrSkip('containers') ? [...rows, byFfmpeg] : rows) {
    const title = `${model} on ${device}, ${kinds.join(' ')}: ${clips.join(' ')}`;
    if (!title.includes(only) || (device === 'webgpu' && !(await hasGpu()))) continue;
    test(title, async () => {
      const which = ['--kind', kinds.join(','), '--only', `^(${clips.join('|')})$`];
      const { status, stdout, stderr } = await program(script, ['--model', model, '--device', device, ...which]);
      console.log(stdout.trim());
      assert.is(status, 0, `${stdout}${stderr}`);
    });
  }
  test.run();
}

/** Sets the driver for the children too. */
async function hasGpu(): Promise<boolean> {
  const device = await openOrSkip('parity on WebGPU');
  await device?.close();
  return device !== undefined;
}
