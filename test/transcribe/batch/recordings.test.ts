/** Many recordings in one batch: each comes out whole and in order, whatever becomes of the others. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError, NumericError } from '../../../src/base/errors.ts';
import { type BatchEvent, transcribeBatch } from '../../../src/transcribe/batch/batch.ts';
import { resolveTranscribeOptions } from '../../../src/transcribe/options.ts';
import { digitReader, digitRecording, type ReaderOptions, type SpokenDigit } from '../../support/digits.ts';
import { smallTokenizer as tokenizer } from '../../support/tokenizer.ts';
import { always, longer, said, unbroken } from './scene.ts';

const test = suite('batch of recordings');

async function gather(events: AsyncIterable<BatchEvent>) {
  const ended: number[] = [];
  const texts: string[] = [];
  const errors: unknown[] = [];
  for await (const event of events) {
    const { index } = event;
    if ('segment' in event) {
      assert.not.ok(ended.includes(index), 'a segment behind the end');
      texts[index] = (texts[index] ?? '') + event.segment.text;
      continue;
    }
    ended.push(index);
    if ('error' in event) errors[index] = event.error;
    else assert.is(event.summary.text, texts[index] ?? '');
  }
  return { ended, texts, errors };
}

test('several recordings share the rows, and each comes out whole', async () => {
  const lengths = [900, 7000, 300, 3100, 0, 1500, 200];
  const recordings = lengths.map((frames, k) => unbroken(0, (i) => (i * (k + 1)) % 10, Math.max(frames, 40)));
  const opened: number[] = [];
  const inference = digitReader();
  const { ended, texts, errors } = await gather(
    transcribeBatch(
      { inference, tokenizer },
      recordings.map((digits, k) => ({
        open: async () => {
          opened.push(k);
          return digitRecording(digits, lengths[k]!);
        },
      })),
      resolveTranscribeOptions({ ...always, batchSize: 5 }),
    ),
  );
  assert.equal(errors, []);
  lengths.forEach((frames, k) => {
    assert.is(texts[k] ?? '', frames === 0 ? '' : said(recordings[k]!), `recording ${k}`);
  });
  assert.equal([...ended].sort(), [0, 1, 2, 3, 4, 5, 6]);
  assert.ok(ended.indexOf(0) < ended.indexOf(1), 'a short one does not wait for a long one');
  assert.equal(opened, [0, 1, 2, 3, 4, 5, 6]);
  assert.is(inference.starts[0]!.groups.length, 5, 'rows of several recordings');
  assert.is(inference.open, 0);
});

test('recordings are opened when there is room for them', async () => {
  const digits = unbroken(0, (i) => i % 10, 7000);
  let open = 0;
  const recordings = Array.from({ length: 3 }, () => ({
    open: async () => {
      open++;
      return digitRecording(digits, 7000);
    },
  }));
  const inference = digitReader();
  const options = resolveTranscribeOptions({ ...always, batchSize: 2 });
  for await (const event of transcribeBatch({ inference, tokenizer }, recordings, options)) {
    if (event.index === 0 && 'segment' in event && event.segment.id === 0) assert.is(open, 1);
  }
  assert.is(open, 3);
});

test('each recording is read in order, as a long one must be, and closed however its decoding ends', async () => {
  const digits = unbroken(0, (i) => i % 10, longer);
  let open = 0;
  const seeks: number[][] = [];
  const recordings = Array.from({ length: 3 }, () => ({
    open: async () => {
      open++;
      const own: number[] = [];
      seeks.push(own);
      const mel = digitRecording(digits, longer);
      const window = (seek: number, size: number) => {
        own.push(seek);
        return mel.window(seek, size);
      };
      const close = async () => {
        open--;
      };
      return { ...mel, window, close };
    },
  }));
  const run = (ending: ReaderOptions['ending'], change?: ReaderOptions['change']) => {
    const inference = digitReader({ perSegment: 60, ...(ending && { ending }), ...(change && { change }) });
    return transcribeBatch({ inference, tokenizer }, recordings, resolveTranscribeOptions({ ...always, batchSize: 2 }));
  };
  // Windows that end in text are decoded again from the middle of their chunk.
  const { texts } = await gather(run(() => 'text'));
  assert.equal(texts, [said(digits), said(digits), said(digits)]);
  assert.is(open, 0);
  // The first pass looks for speech, the second is decoded.
  for (const own of seeks) assert.is(own.filter((seek, i) => seek < (own[i - 1] ?? 0)).length, 1, `${own}`);
  for await (const event of run(undefined)) if ('summary' in event) break;
  assert.is(open, 0, 'left');
  await gather(run(undefined, (logits) => logits.fill(Number.NaN)));
  assert.is(open, 0, 'failed');
});

test('one that cannot be read, or of which the model makes no sense, does not harm the others', async () => {
  const digits = unbroken(0, (i) => i % 10, 2000);
  const unreadable = new AudioError('notFound', 'There is no such file.');
  const inference = digitReader({
    // The model fails on what begins with a 5.
    change: (logits, { mel }) => (mel[7 * 3000 + 10] === 1 ? logits.fill(Number.NaN) : logits),
  });
  const fives = unbroken(0, () => 5, 2000);
  const recording = (own: readonly SpokenDigit[]) => ({ open: async () => digitRecording(own, 2000) });
  const { ended, texts, errors } = await gather(
    transcribeBatch(
      { inference, tokenizer },
      [
        recording(digits),
        {
          open: async () => {
            throw unreadable;
          },
        },
        recording(fives),
        recording(digits),
      ],
      resolveTranscribeOptions(always),
    ),
  );
  assert.equal([...ended].sort(), [0, 1, 2, 3]);
  assert.is(errors[1], unreadable);
  assert.instance(errors[2], NumericError);
  assert.is(texts[0], said(digits));
  assert.is(texts[3], said(digits));
  assert.is(inference.open, 0);
});

test.run();
