/** The tables of sotto itself: what every row must have, at every place. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SPEECH_OPTIONS } from '../../src/audio/features/vad.ts';
import { COMMAND_OPTIONS, OPTIONS } from '../../src/cli/options.ts';
import { DECODING_OPTIONS, resolveDecodingOptions } from '../../src/decode/options.ts';
import { DEVICE_OPTIONS } from '../../src/devices/options.ts';
import { checkValues, faultOf } from '../../src/options/check.ts';
import { resolve } from '../../src/options/resolve.ts';
import type { OptionSpec, OptionTable, Place } from '../../src/options/spec.ts';
import { defaultText, parseText } from '../../src/options/text.ts';
import { LAYOUT_OPTIONS } from '../../src/output/wrap.ts';
import { checkTranscribeOptions, resolveTranscribeOptions, TRANSCRIBE_OPTIONS } from '../../src/transcribe/options.ts';
import { STREAM_OPTIONS } from '../../src/transcribe/stream/streamOptions.ts';
import { CACHE_OPTIONS } from '../../weights/options.ts';

const tables: readonly [Place, OptionTable][] = [
  ['load', DEVICE_OPTIONS],
  ['load', CACHE_OPTIONS],
  ['decode', DECODING_OPTIONS],
  ['transcribe', TRANSCRIBE_OPTIONS],
  ['transcribe', SPEECH_OPTIONS],
  ['transcribeAll', TRANSCRIBE_OPTIONS],
  ['stream', STREAM_OPTIONS],
  ['layout', LAYOUT_OPTIONS],
  ['command', COMMAND_OPTIONS],
  ['stdin', COMMAND_OPTIONS],
];

const test = suite('options/tables');

for (const [place, table] of tables) {
  const rows = Object.entries<OptionSpec>(table).filter(([, spec]) => spec.where.includes(place));

  test(`${place}: every row has sentences and a valid default`, () => {
    assert.ok(rows.length > 0);
    for (const [name, spec] of rows) {
      assert.match(name, /^[a-z]+([A-Z][a-z]+)*$/);
      for (const text of [spec.help, spec.none, spec.command?.help]) {
        if (text !== undefined) assert.match(text, /^\S.*[a-z0-9)"]\.$/, `${name}: "${text}"`);
      }
      if ('default' in spec) assert.is(faultOf(spec, spec.default), undefined, name);
    }
    checkValues(table, place, resolve(table, place, {}));
  });
}

test('every default that the help prints can be written', () => {
  for (const { name, spec } of OPTIONS) parseText(name, spec, defaultText(spec));
});

test('no two options are written alike', () => {
  assert.equal(OPTIONS.map(({ name }) => name).sort(), [...new Set(OPTIONS.map(({ name }) => name))].sort());
});

test('options may be given their defaults', () => {
  const { prependPunctuations, appendPunctuations, promptResetOnTemperature, ...options } = resolveTranscribeOptions(
    {},
  );
  checkTranscribeOptions(options);
});

test('the initial prompt stands before every chunk of a batch, unless it is not to be carried', () => {
  assert.is(resolveTranscribeOptions({}).carryInitialPrompt, false);
  assert.is(resolveTranscribeOptions({ batchSize: 8 }).carryInitialPrompt, true);
  assert.is(resolveTranscribeOptions({ batchSize: 8, carryInitialPrompt: false }).carryInitialPrompt, false);
});

test('decoding and transcribing share their rows, but for the temperature', () => {
  const { temperature, prompt, ...shared } = resolveDecodingOptions({});
  const { temperature: ladder, ...rest } = resolveTranscribeOptions({});
  assert.is(temperature, 0);
  assert.equal(ladder, [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.is(prompt, undefined);
  const { logitFilter, ...values } = shared;
  for (const [name, value] of Object.entries(values))
    assert.equal(Object.entries(rest).find(([n]) => n === name)?.[1], value, name);
});

test.run();
