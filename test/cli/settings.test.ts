/** From options to what the library is asked for. */
import { availableParallelism } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { parseArguments } from '../../src/cli/args.ts';
import { givenOptions, LATER, OPTIONS } from '../../src/cli/options.ts';
import { readSettings, readStreamOptions, temperatures } from '../../src/cli/settings.ts';
import { resolveTranscribeOptions } from '../../src/transcribe/options.ts';

const test = suite('cli/settings');

const given = (line: string) => givenOptions(parseArguments(line === '' ? [] : line.split(' '), OPTIONS, LATER).values);
const settings = (line: string) => readSettings(given(line));

function refused(line: string): string {
  try {
    settings(line);
  } catch (error) {
    if (error instanceof OptionsError) return error.message;
    throw error;
  }
  return 'not refused';
}

test("the defaults are openai/whisper's", () => {
  const { transcribe, load, verbose, outputFormat } = settings('');
  assert.equal(load, {});
  assert.is(verbose, true);
  assert.equal(outputFormat, ['all']);
  const wanted = {
    task: 'transcribe',
    carryInitialPrompt: false,
    conditionOnPreviousText: true,
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
    promptResetOnTemperature: 0.5,
    repetitionPenalty: 1,
    noRepeatNgramSize: 0,
    withoutTimestamps: false,
    suppressBlank: true,
    maxInitialTimestamp: 1,
    wordTimestamps: false,
    prependPunctuations: '"\'“¿([{-',
    appendPunctuations: '"\'.。,，!！?？:：”)]}、',
  };
  const resolved = Object.entries(resolveTranscribeOptions(transcribe));
  assert.equal(Object.fromEntries(resolved.filter(([name]) => name in wanted)), wanted);
});

test('a temperature or a batch is decoded without beams, unless they are given too', () => {
  assert.is(settings('--batch_size 8').transcribe.beamSize, undefined);
  assert.is(settings('--batch_size 8 --beam_size 2').transcribe.beamSize, 2);
  assert.is(settings('--temperature 0').transcribe.beamSize, undefined);
  assert.is(settings('--temperature 0 --beam_size 3').transcribe.beamSize, 3);
  assert.is(settings('--beam_size None').transcribe.beamSize, undefined);
  assert.is(settings('--temperature_increment_on_fallback None').transcribe.beamSize, 5);
});

test('a stream gets what it has in common with recordings, and no beams unless they are given', () => {
  const options = readStreamOptions(given('--initial_prompt Ada --min_chunk 2 --word_timestamps True --device cpu'));
  assert.equal(JSON.parse(JSON.stringify(options)), {
    initialPrompt: 'Ada',
    minChunk: 2,
    bestOf: 5,
    temperature: [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1],
  });
  assert.is(readStreamOptions(given('--beam_size 3')).beamSize, 3);
});

test('batches, and the speech detector', () => {
  const { transcribe } = settings('--batch_size 8 --vad True --vad_padding 0.5');
  assert.is(transcribe.batchSize, 8);
  assert.equal(transcribe.vad, { padding: 0.5 });
  assert.is(settings('--vad True').transcribe.vad, true);
  assert.is(settings('--condition_on_previous_text False --batch_size 8').transcribe.conditionOnPreviousText, false);
  assert.match(refused('--batch_size 8 --condition_on_previous_text True'), '--batch_size exclude each other');
  assert.match(refused('--batch_size 8 --prompt_reset_on_temperature 0.5'), 'has no effect in a batch');
  assert.match(refused('--vad_padding 0.5'), '--vad_padding has no effect without --vad True');
  assert.match(refused('--batch_size 0'), '--batch_size takes a whole number from 1 to 256');
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
  for (const detected of ['None', 'auto', 'Auto']) {
    assert.is(settings(`--language ${detected}`).transcribe.language, undefined);
    assert.is(readStreamOptions(given(`--language ${detected}`)).language, undefined);
  }
});

test('temperatures step as numpy.arange does', () => {
  assert.equal(temperatures(0.5, 0.25), [0.5, 0.75, 1]);
  assert.equal(temperatures(1, 0.2), [1]);
  assert.equal(temperatures(0, null), [0]);
});

test('what is wrong is said before anything is loaded', () => {
  const rows: [string, string][] = [
    ['--language klingon', 'Whisper does not know the language "klingon".'],
    ['--temperature 0 --patience 2', 'patience needs --beam_size.'],
    ['--length_penalty 2', '--length_penalty takes a number from 0 to 1, not "2".'],
    ['--temperature -1', '--temperature takes a number of at least 0, not "-1".'],
    ['--temperature_increment_on_fallback 0', '_on_fallback takes a number of at least 0.01, not "0".'],
    ['--temperature_increment_on_fallback 1e-9', '_on_fallback takes a number of at least 0.01, not "1e-9".'],
    ['--threads 1000000000', '--threads takes a whole number from 0 to 256, not "1000000000".'],
    // Where the machine has 64 threads or more, this is as many as the option takes.
    ...(availableParallelism() < 64 ? [['--threads 256', 'that are taken here.'] as [string, string]] : []),
    ['--batch_size 1e9', '--batch_size takes a whole number from 1 to 256, not "1e9".'],
    ['--beam_size 1e9', '--beam_size takes a whole number from 1 to 256, not "1e9".'],
    ['--best_of 257', '--best_of takes a whole number from 1 to 256, not "257".'],
    ['--sample_len 1e308', '--sample_len takes a whole number of at least 1, not "1e308".'],
    ['--highlight_words True', '--highlight_words lays out words, whose times are not asked for.'],
    ['--max_line_width 40', '--max_line_width lays out words, whose times are not asked for.'],
    ['--word_timestamps True --max_line_count 2', '--max_line_count has no effect without --max_line_width.'],
    ['--append_punctuations !', '--append_punctuations needs --word_timestamps.'],
    ['--hallucination_silence_threshold 2', '--hallucination_silence_threshold needs --word_timestamps.'],
    ['--multilingual True --language de', 'multilingual and language exclude each other.'],
    ['--device tpu', '--device takes one of auto, webgpu, cpu, not "tpu".'],
  ];
  for (const [line, message] of rows) assert.ok(refused(line).endsWith(message), refused(line));
  settings('--word_timestamps True --max_line_width 40 --max_line_count 2 --highlight_words True');
});

test.run();
