/** From options to what the library is asked for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ErrorCode } from '../../src/base/codes.ts';
import { OptionsError } from '../../src/base/errors.ts';
import { parseArguments } from '../../src/cli/args.ts';
import { LATER, OPTIONS } from '../../src/cli/options.ts';
import { readSettings, temperatures } from '../../src/cli/settings.ts';
import { OptionValues } from '../../src/cli/values.ts';
import { throws } from '../support/throws.ts';

const test = suite('cli/settings');

const settings = (line: string) =>
  readSettings(new OptionValues(parseArguments(line === '' ? [] : line.split(' '), OPTIONS, LATER).values, OPTIONS));

test("the defaults are openai/whisper's", () => {
  const { transcribe, threads, verbose, outputFormat } = settings('');
  assert.is(threads, undefined);
  assert.is(verbose, true);
  assert.is(outputFormat, 'all');
  assert.equal(JSON.parse(JSON.stringify(transcribe)), {
    task: 'transcribe',
    multilingual: false,
    languageDetectionSegments: 1,
    clipTimestamps: '0',
    batchSize: 1,
    vad: false,
    temperature: [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1],
    beamSize: 5,
    bestOf: 5,
    seed: 0,
    suppressTokens: '-1',
    noSpeechThreshold: 0.6,
    logprobThreshold: -1,
    compressionRatioThreshold: 2.4,
    repetitionPenalty: 1,
    noRepeatNgramSize: 0,
    withoutTimestamps: false,
    suppressBlank: true,
    maxInitialTimestamp: 1,
    wordTimestamps: false,
  });
});

test('a temperature or a batch is decoded without beams, unless they are given too', () => {
  assert.is(settings('--batch_size 8').transcribe.beamSize, undefined);
  assert.is(settings('--batch_size 8 --beam_size 2').transcribe.beamSize, 2);
  assert.is(settings('--temperature 0').transcribe.beamSize, undefined);
  assert.is(settings('--temperature 0 --beam_size 3').transcribe.beamSize, 3);
  assert.is(settings('--beam_size None').transcribe.beamSize, undefined);
  assert.is(settings('--temperature_increment_on_fallback None').transcribe.beamSize, 5);
});

test('batches, and the speech detector', async () => {
  const { transcribe } = settings('--batch_size 8 --vad True --vad_padding 0.5');
  assert.is(transcribe.batchSize, 8);
  assert.equal(transcribe.vad, { threshold: 4, minSpeech: 0.1, minSilence: 1, padding: 0.5 });
  assert.is(settings('--condition_on_previous_text False --batch_size 8').transcribe.conditionOnPreviousText, false);
  const rows: [line: string, code: 'contradiction' | 'badValue', words: string][] = [
    ['--batch_size 8 --condition_on_previous_text True', 'contradiction', '--batch_size exclude each other'],
    ['--batch_size 8 --prompt_reset_on_temperature 0.5', 'contradiction', 'has no effect in a batch'],
    ['--vad_padding 0.5', 'contradiction', '--vad_padding has no effect without --vad True'],
    ['--batch_size 0', 'badValue', '--batch_size takes a whole number not below 1'],
  ];
  for (const [line, code, words] of rows) await throws(OptionsError, code, () => settings(line), words);
});

test('None switches tests and limits off', () => {
  const { transcribe } = settings(
    '--no_speech_threshold None --logprob_threshold None --compression_ratio_threshold None --suppress_tokens None ' +
      '--max_initial_timestamp None --temperature_increment_on_fallback None',
  );
  assert.is(transcribe.noSpeechThreshold, null);
  assert.is(transcribe.logprobThreshold, null);
  assert.is(transcribe.compressionRatioThreshold, null);
  assert.is(transcribe.suppressTokens, null);
  assert.is(transcribe.maxInitialTimestamp, null);
  assert.equal(transcribe.temperature, [0]);
});

test('languages by code, name and alias', () => {
  for (const name of ['de', 'German', 'GERMAN']) assert.is(settings(`--language ${name}`).transcribe.language, 'de');
  assert.is(settings('--language castilian').transcribe.language, 'es');
});

test('temperatures step as numpy.arange does', () => {
  assert.equal(temperatures(0.5, 0.25), [0.5, 0.75, 1]);
  assert.equal(temperatures(1, 0.2), [1]);
  assert.equal(temperatures(0, undefined), [0]);
});

test('what is wrong is said before anything is loaded', async () => {
  const rows: [line: string, code: ErrorCode<'OptionsError'>, message: string][] = [
    ['--language klingon', 'language', 'Whisper does not know the language "klingon".'],
    ['--temperature 0 --patience 2', 'contradiction', 'patience needs --beam_size.'],
    ['--length_penalty 2', 'range', '--length_penalty is 2, not a number from 0 to 1.'],
    ['--temperature -1', 'badValue', '--temperature takes a number not below 0, not "-1".'],
    ['--temperature_increment_on_fallback 0', 'badValue', '--temperature_increment_on_fallback is 0, not above 0.'],
    ['--highlight_words True', 'contradiction', '--highlight_words lays out words, whose times are not asked for.'],
    ['--max_line_width 40', 'contradiction', '--max_line_width lays out words, whose times are not asked for.'],
    [
      '--word_timestamps True --max_line_count 2',
      'contradiction',
      '--max_line_count has no effect without --max_line_width.',
    ],
    ['--append_punctuations !', 'contradiction', '--append_punctuations needs --word_timestamps.'],
    [
      '--hallucination_silence_threshold 2',
      'contradiction',
      '--hallucination_silence_threshold needs --word_timestamps.',
    ],
    ['--multilingual True --language de', 'contradiction', 'multilingual and language exclude each other.'],
    ['--device tpu', 'badValue', '--device takes one of auto, webgpu, cpu, not "tpu".'],
  ];
  for (const [line, code, message] of rows) {
    assert.is((await throws(OptionsError, code, () => settings(line))).message, message);
  }
  settings('--word_timestamps True --max_line_width 40 --max_line_count 2 --highlight_words True');
});

test.run();
