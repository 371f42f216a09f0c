/**
 * A worker of a batch with the scripted model. A recording that holds `kill` ends the process, one that holds `wait` waits for
 * the file `go` beside it, `slow` takes a while; `vain` as an argument ends the process before it is ready, `broken` is a model that cannot be loaded.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WeightsError } from '../../src/base/errors.ts';
import { FolderOutputs } from '../../src/batch/folderOutputs.ts';
import { inProcess } from '../../src/batch/inProcess.ts';
import { openAudio } from '../../src/batch/sources/openAudio.ts';
import type { LoadedModel } from '../../src/batch/workers/messages.ts';
import { serveTasks } from '../../src/batch/workers/serveTasks.ts';
import { scriptedTranscriber } from './scriptedTranscriber.ts';

const [out = '', log = '', how = ''] = process.argv.slice(2);
const model: LoadedModel = {
  device: { kind: 'cpu', description: 'scripted' },
  storage: { dtype: undefined, cacheDtype: 'f32' },
  weightBytes: 0,
};
const end = new AbortController();
process.on('SIGTERM', () => end.abort(new Error('ended')));
await serveTasks(
  process,
  async () => {
    if (how === 'vain') process.exit(3);
    if (how === 'broken') throw new WeightsError('badConfig', 'The model is broken.', { hint: 'Mend it.' });
    const transcriber = scriptedTranscriber(async (text, path) => {
      appendFileSync(log, `${process.pid} ${path}\n`);
      if (text === 'slow') await sleep(300);
      if (text === 'kill') process.kill(process.pid, 'SIGKILL');
      while (text.startsWith('wait') && !existsSync(join(dirname(path), 'go'))) await sleep(5);
    });
    const work = { transcriber, openAudio, outputs: new FolderOutputs(out, ['txt']) };
    return { executor: inProcess(work, () => ({ transcribe: {}, layout: {} }), 4), model };
  },
  end.signal,
);
if (process.connected) process.disconnect();
