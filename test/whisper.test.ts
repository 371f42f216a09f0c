/** A loaded model as users have it, on a scripted engine: queueing, leaving, aborting, closing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError, InternalError, SottoError } from '../src/base/errors.ts';
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
  constructor(options: ScriptedOptions) {
    super(options);
    const audio = { nMels: 1, nAudioCtx: 1500, nAudioState: 1, nAudioHead: 1, nAudioLayer: 1 };
    this.dims = { ...audio, nVocab, nTextCtx: 448, nTextState: 1, nTextHead: 1, nTextLayer: 1 };
  }
  override async reserveAudio(): Promise<void> {}
  encoderOutput(): Promise<Float32Array> {
    throw new InternalError('not scripted');
  }
  teacherForced(): Promise<Float32Array> {
    throw new InternalError('not scripted');
  }
}

/** Every window says two segments of 10 s; `onStep` is called before each token. */
function model(onStep?: () => void) {
  const tokens = [ts(0), 400, ts(10), ts(10), 370, ts(20), ts(20)];
  const windows = Array.from({ length: 20 }, () => tokens);
  const inference = new ScriptedModel({ nVocab, script: playTokens(nVocab, eot, windows), onStep });
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
  const readAudio = async (audio: unknown): Promise<Float32Array> => {
    read.push(String(audio));
    if (audio === 'missing.wav') throw new AudioError('notFound', 'There is no file missing.wav.');
    return new Float32Array(40 * 16000);
  };
  const whisper = new Whisper({ device, inference, tokenizer, readAudio });
  return { whisper, inference, read, closed: () => closed };
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

test('calls at once wait for one another', async () => {
  let busy: string | undefined;
  const { whisper } = model();
  const run = async (name: string): Promise<void> => {
    await whisper.transcribe('a', {
      ...english,
      onSegment({ id }) {
        if (id === 0) {
          assert.is(busy, undefined, `${name} began while ${busy} was at work`);
          busy = name;
        }
        if (id === 3) busy = undefined;
      },
    });
  };
  await Promise.all([run('first'), run('second'), whisper.detectLanguage('c'), run('third')]);
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

test.run();
