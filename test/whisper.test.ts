/** A loaded model as users have it, on a scripted engine: queueing, leaving, aborting, closing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FileInput } from '../src/audio/audioInput.ts';
import { type Sound, samplesSound } from '../src/audio/sound.ts';
import { AudioError, InternalError, OptionsError, SottoError } from '../src/base/errors.ts';
import type { Device } from '../src/engine/device.ts';
import type { ModelDimensions } from '../src/model/dims.ts';
import type { ModelInference } from '../src/model/inference.ts';
import { Whisper } from '../src/whisper.ts';
import { playTokens, ScriptedInference, type ScriptedOptions } from './support/scriptedInference.ts';
import { reasonOf, throws } from './support/throws.ts';
import { tinyTokenizer as tokenizer, ts } from './support/tokenizer.ts';

const test = suite('whisper');
const { nVocab, eot } = tokenizer;

class ScriptedModel extends ScriptedInference implements ModelInference {
  readonly dims: ModelDimensions;
  readonly weightBytes = 0;
  readonly storage = { cacheDtype: 'f32' } as const;
  readonly maxRows = 256;
  constructor(options: ScriptedOptions, nMels: number) {
    super(options);
    const audio = { nMels, nAudioCtx: 1500, nAudioState: 1, nAudioHead: 1, nAudioLayer: 1 };
    this.dims = { ...audio, nVocab, nTextCtx: 448, nTextState: 1, nTextHead: 1, nTextLayer: 1 };
  }
  async beams(): Promise<undefined> {}
  encoderOutput(): Promise<Float32Array> {
    throw new InternalError('not scripted');
  }
  teacherForced(): Promise<Float32Array> {
    throw new InternalError('not scripted');
  }
}

/** Every window says two segments of 10 s; `onStep` is called before each token. */
function model(onStep?: () => void, onOpen?: (file: FileInput) => Promise<void>, recordingsAtOnce?: number, nMels = 1) {
  const tokens = [ts(0), 400, ts(10), ts(10), 370, ts(20), ts(20)];
  const windows = Array.from({ length: 20 }, () => tokens);
  const script = playTokens(nVocab, eot, windows);
  const inference = new ScriptedModel({ nVocab, script, onStep, isSlow: true }, nMels);
  let closed = 0;
  // Of a device, only these are looked at.
  const device = {
    kind: 'cpu',
    description: 'played',
    close: async () => {
      closed++;
    },
  } as unknown as Device;
  const read: string[] = [];
  let opened = 0;
  const openSound = async (file: FileInput): Promise<Sound> => {
    const address = file.kind === 'address' ? file.address : file.kind;
    read.push(address);
    await onOpen?.(file);
    if (address === 'missing.wav') throw new AudioError('notFound', 'There is no file missing.wav.');
    opened++;
    return {
      ...samplesSound(new Float32Array(40 * 16000)),
      close: async () => {
        opened--;
      },
    };
  };
  const whisper = new Whisper({ device, inference, tokenizer, openSound, recordingsAtOnce });
  return { whisper, inference, read, closed: () => closed, opened: () => opened };
}
const english = { language: 'en', temperature: 0 } as const;

test('segments come as they are found, and all of them in the transcript', async () => {
  const { whisper, inference, read } = model();
  const starts: number[] = [];
  for await (const segment of whisper.segments('talk.mp3', english)) starts.push(segment.start);
  assert.equal(starts, [0, 10, 20, 30]);
  const transcript = await whisper.transcribe(new Float32Array(16000 * 20), english);
  assert.is(transcript.segments.length, 2);
  assert.equal(read, ['talk.mp3'], 'samples are taken as they are');
  const stepwise = whisper.segments(new Float32Array(16000 * 20), english);
  let step = await stepwise.next();
  while (!step.done) step = await stepwise.next();
  const { segments: _, ...summary } = transcript;
  assert.equal(step.value, summary, 'at its end the generator gives the rest of the transcript');
  assert.is(inference.open, 0);
});

test('leaving the loop stops the work and lets the next call in', async () => {
  const { whisper, inference } = model();
  for await (const segment of whisper.segments('a', english)) {
    assert.is(segment.id, 0);
    break;
  }
  assert.is(inference.open, 0);
  assert.is(inference.mels.length, 1, 'one window was decoded, not two');
  assert.is((await whisper.transcribe('b', english)).segments.length, 4);
});

test('calls at once share the model, as many as are let in, and get what they get alone', async () => {
  const alone = await model().whisper.transcribe('a', english);
  for (const recordingsAtOnce of [1, 2, 8]) {
    let busy = 0;
    let most = 0;
    const { whisper, inference, opened } = model(undefined, undefined, recordingsAtOnce);
    const run = async (): Promise<void> => {
      const transcript = await whisper.transcribe('a', {
        ...english,
        onSegment({ id }) {
          if (id === 0) busy++;
          most = Math.max(most, busy);
          if (id === 3) busy--;
        },
      });
      assert.equal(transcript, alone);
    };
    const loop = async (): Promise<void> => {
      const found: unknown[] = [];
      for await (const segment of whisper.segments('b', english)) found.push(segment);
      assert.equal(found, alone.segments);
    };
    const batch = whisper.transcribe('d', { ...english, batchSize: 2 });
    const detected = whisper.detectLanguage('c');
    await Promise.all([run(), run(), detected, loop(), run(), batch, run(), loop(), run()]);
    assert.ok(most === Math.min(recordingsAtOnce, most) && (recordingsAtOnce === 1 || most > 1), `${most} at once`);
    assert.is(inference.open, 0);
    assert.is(opened(), 0);
  }
});

test('a call that is given up makes way at once, whatever the others are at', async () => {
  const controller = new AbortController();
  let steps = 0;
  const { whisper, inference, opened } = model(
    () => {
      if (++steps === 12) controller.abort(new Error('enough'));
    },
    undefined,
    2,
  );
  const { signal } = controller;
  const gone = reasonOf(whisper.transcribe('a', { ...english, signal }));
  const others = [whisper.transcribe('b', english), whisper.transcribe('c', english)];
  assert.is(String(await gone), 'Error: enough');
  for (const other of others) assert.is((await other).segments.length, 4);
  assert.is(inference.open, 0);
  assert.is(opened(), 0);
});

test('a call within the loop over another call of the same model does not wait for ever, and changes nothing', async () => {
  const plain = await model().whisper.transcribe('a', english);
  for (const loop of ['segments', 'transcribeAll'] as const) {
    const { whisper, inference } = model();
    const found: unknown[] = [];
    const inner: number[] = [];
    const nested = async (): Promise<void> => {
      inner.push((await whisper.transcribe('b', english)).segments.length);
      inner.push((await whisper.detectLanguage('c')).language.length);
      for await (const _ of whisper.segments('d', english)) inner.push(1);
    };
    if (loop === 'segments') {
      for await (const segment of whisper.segments('a', english)) {
        found.push(segment);
        if (segment.id === 1) await nested();
      }
      assert.equal(found, plain.segments);
    } else {
      for await (const { transcript } of whisper.transcribeAll(['a', 'b'], { ...english, batchSize: 1 })) {
        found.push(transcript?.segments.length);
        if (found.length === 1) await nested();
      }
      assert.equal(found, [4, 4]);
    }
    assert.equal(inner, [4, 2, 1, 1, 1, 1]);
    assert.is(inference.open, 0);
  }
});

test('a recording whose source calls the same model does not wait for itself', async () => {
  const { whisper, opened } = model(undefined, async (file) => {
    if (file.kind !== 'stream') return;
    for await (const _ of file.stream);
  });
  const asked: number[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    asked.push((await whisper.transcribe('b', english)).segments.length);
    yield new Uint8Array(1);
  }
  assert.is((await whisper.transcribe(source(), english)).segments.length, 4);
  for await (const _ of whisper.segments(source(), english));
  for await (const { error } of whisper.transcribeAll([source(), 'a'], { ...english, batchSize: 1 }))
    assert.is(error, undefined);
  assert.equal(asked, [4, 4, 4]);
  // Closed, or aborted, while it waits for its turn again.
  const controller = new AbortController();
  let inner: Promise<unknown> | undefined;
  async function* leaving(): AsyncGenerator<Uint8Array> {
    inner = reasonOf(whisper.transcribe('b', english));
    controller.abort(new Error('enough'));
    yield new Uint8Array(1);
  }
  const { signal } = controller;
  assert.is(String(await reasonOf(whisper.transcribe(leaving(), { ...english, signal }))), 'Error: enough');
  async function* closing(): AsyncGenerator<Uint8Array> {
    await whisper.close();
    yield new Uint8Array(1);
  }
  await throws(SottoError, 'closed', whisper.transcribe(closing(), english));
  await inner;
  assert.is(opened(), 0);
});

test('two loops take turns, and close ends both', async () => {
  const { whisper } = model();
  const order: string[] = [];
  const loop = async (name: string): Promise<void> => {
    for await (const { id } of whisper.segments(name, english)) order.push(`${name}${id}`);
  };
  await Promise.all([loop('a'), loop('b')]);
  assert.equal(
    order.filter((one) => one.startsWith('a')),
    ['a0', 'a1', 'a2', 'a3'],
  );
  assert.ok(order.indexOf('b0') < order.indexOf('a3'), order.join(' '));
  const waiting = throws(SottoError, 'closed', loop('c'));
  await throws(SottoError, 'closed', async () => {
    for await (const _ of whisper.segments('a', english)) await whisper.close();
  });
  await waiting;
});

test('options are checked before the recording is opened, and a sound is closed however its call ends', async () => {
  const { whisper, read, opened } = model();
  await throws(OptionsError, 'range', whisper.transcribe('missing.wav', { beamSize: 0 }));
  await throws(OptionsError, 'range', async () => {
    for await (const _ of whisper.segments('missing.wav', { beamSize: 0 }));
  });
  const noLists: unknown[] = ['a', new Set(['a']), new Float32Array(3), null];
  for (const list of noLists) {
    await throws(OptionsError, 'type', async () => {
      for await (const _ of whisper.transcribeAll(list as string[], english));
    });
  }
  assert.equal(read, []);
  await whisper.transcribe('a', english);
  for await (const _ of whisper.segments('a', english)) break;
  for await (const _ of whisper.transcribeAll(['a', 'b'], { ...english, batchSize: 1 })) break;
  for await (const _ of whisper.transcribeAll(['a', 'missing.wav', 'b'], { ...english, batchSize: 1 }));
  await whisper.detectLanguage('a');
  const controller = new AbortController();
  const onSegment = (): void => controller.abort(new Error('enough'));
  await reasonOf(whisper.transcribe('a', { ...english, onSegment, signal: controller.signal }));
  await throws(OptionsError, 'language', whisper.transcribe('a', { language: 'xx' }));
  assert.is(opened(), 0);
});

test('an abort stops that call alone', async () => {
  const controller = new AbortController();
  let steps = 0;
  const { whisper, inference } = model(() => {
    if (++steps === 3) controller.abort(new Error('enough'));
  });
  const first = reasonOf(whisper.transcribe('a', { ...english, signal: controller.signal }));
  const second = whisper.transcribe('b', english);
  assert.is(String(await first), 'Error: enough');
  assert.is((await second).segments.length, 4);
  assert.is(inference.open, 0);
});

test('a recording that cannot be read fails its call alone', async () => {
  const { whisper } = model();
  await throws(AudioError, 'notFound', whisper.transcribe('missing.wav', english));
  assert.is((await whisper.transcribe('a', english)).segments.length, 4);
});

test('close stops what runs, refuses what comes, and closes the device once', async () => {
  const { whisper, closed } = model();
  const running = throws(SottoError, 'closed', whisper.transcribe('a', english));
  const waiting = throws(SottoError, 'closed', whisper.transcribe('b', english));
  await Promise.all([whisper.close(), whisper.close()]);
  await Promise.all([running, waiting, throws(SottoError, 'closed', whisper.transcribe('c', english))]);
  assert.is(closed(), 1);
});

test('close may be called in the loop over segments', async () => {
  const { whisper } = model();
  await throws(SottoError, 'closed', async () => {
    for await (const _ of whisper.segments('a', english)) await whisper.close();
  });
});

test('the channels of a recording are calls of their own inside of one', async () => {
  // A vowel of each, one after the other.
  const vowel = (i: number): number => {
    let sum = 0;
    for (let k = 1; k <= 25; k++) sum += Math.sin(0.06 * k * i) / k;
    return 0.1 * sum * (1 + Math.sin(0.002 * i));
  };
  const voice = (from: number): Float32Array =>
    Float32Array.from({ length: 5 * 16000 }, (_, i) => (i >= from * 16000 && i < (from + 1.5) * 16000 ? vowel(i) : 0));
  const call = { channels: [voice(0.5), voice(3)], sampleRate: 16000 };
  const options = { ...english, channels: 'speakers', speakerNames: ['Ada', 'Bo'] } as const;
  for (const recordingsAtOnce of [1, 2, 8]) {
    const { whisper } = model(undefined, undefined, recordingsAtOnce, 80);
    const speakers: (string | undefined)[] = [];
    for await (const { speaker } of whisper.segments(call, options)) {
      speakers.push(speaker);
      // Another call may be made while the loop's body runs.
      if (speakers.length === 1) await whisper.transcribe(new Float32Array(16000), english);
    }
    assert.equal([...new Set(speakers)].sort(), ['Ada', 'Bo'], `${recordingsAtOnce} at once`);
    const { segments } = await whisper.transcribe(call, options);
    assert.equal(
      segments.map(({ speaker }) => speaker),
      speakers,
    );
    await throws(OptionsError, 'contradiction', () => whisper.transcribe(call, { ...options, speakerNames: ['Ada'] }));
    await throws(AudioError, 'channels', () => whisper.transcribe(new Float32Array(16000), options));
    await throws(OptionsError, 'contradiction', () => whisper.transcribe(call, { ...english, speakerNames: ['Ada'] }));
    await throws(OptionsError, 'contradiction', async () => {
      for await (const _ of whisper.transcribeAll([call], options as object));
    });
    const closing = whisper.transcribe(call, options);
    const closed = reasonOf(() => closing);
    await whisper.close();
    assert.instance(await closed, SottoError);
  }
});

test.run();
