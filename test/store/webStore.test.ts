/** What a page loads is kept or not: decided where there is no Cache API, as in Node, and as far as nothing is fetched. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError, WeightsError } from '../../src/base/errors.ts';
import type { Warning } from '../../src/base/progress.ts';
import { openWebModel, webStore } from '../../src/store/webStore.ts';
import { throws } from '../support/throws.ts';

const test = suite('webStore');
const PAGE = 'https://page.test/app/';

test('a page that may keep nothing has no store, and loads all the same', async () => {
  assert.is(await webStore(), undefined);
  for (const [model, keep, place, isWarned] of [
    ['tiny', undefined, 'https://huggingface.co/openai/whisper-tiny/resolve/main/', true],
    ['tiny', false, 'https://huggingface.co/openai/whisper-tiny/resolve/main/', false],
    ['./tiny', undefined, `${PAGE}tiny/`, false],
    ['./tiny', true, `${PAGE}tiny/`, true],
  ] as const) {
    const warnings: Warning[] = [];
    const open = await openWebModel(model, PAGE, { keep, onWarning: (warning) => warnings.push(warning) });
    assert.is(open.place, place);
    assert.equal(
      warnings.map(({ code }) => code),
      isWarned ? ['notKept'] : [],
      `${model}, ${keep}`,
    );
  }
});

test('what cannot be kept or found is refused at once', async () => {
  for (const keep of ['yes', 1, null]) await throws(OptionsError, 'type', () => openWebModel('tiny', PAGE, { keep }));
  await throws(WeightsError, 'unknownModel', () => openWebModel('tiny-demo', PAGE, {}));
});

test.run();
