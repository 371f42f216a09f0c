/** `sotto batch enqueue`: puts recordings into a queue. */
import { existsSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { OptionsError } from '../base/errors.ts';
import { gather } from '../batch/gather.ts';
import { keyOf } from '../batch/item.ts';
import { Lengths } from '../batch/lengths.ts';
import { type Enqueued, enqueue } from '../batch/queue/enqueue.ts';
import type { JobModel } from '../batch/queue/job.ts';
import { markedPlace, Places } from '../batch/queue/places.ts';
import { isS3Address } from '../batch/s3/address.ts';
import { s3Buckets, withS3Versions } from '../batch/s3/openS3.ts';
import { withVersions } from '../batch/sources/addressVersions.ts';
import { tryFolder } from '../files/outputFolder.ts';
import { environment } from '../runtime/environment.ts';
import { proxyFetch } from '../runtime/nodeProxy.ts';
import type { QueueCall } from './batchCall.ts';
import { findModel } from './batchExecutor.ts';
import { readBatchSettings, sourcesOf } from './batchSettings.ts';
import { EXIT, type InputStream } from './io.ts';
import { ProgressDisplay } from './progress.ts';
import { REQUEST_OPTIONS } from './requestOptions.ts';

/** Of the options, those that decide how the same weights are stored. */
const STORAGE_OPTIONS: readonly string[] = ['dtype', 'cache_dtype'];

export async function enqueueCommand({ files, values, broker, shown, io }: QueueCall): Promise<number> {
  const settings = readBatchSettings(values);
  const { own, formats, identityOf } = settings;
  if (own.outputDir === undefined) {
    throw new OptionsError('batchArguments', 'batch enqueue was not told where the outputs go.', {
      hint: 'Name a folder that all machines see, -o /nfs/out, or a place in S3: -o s3://bucket/out',
    });
  }
  const { signal } = io;
  const fetch = proxyFetch(environment);
  const bucketOf = s3Buckets({ environment, fetch });
  let input: InputStream | undefined;
  const stdin = (): InputStream => {
    input = io.stdin();
    return input;
  };
  const sources = sourcesOf(files, settings, { stdin, outputs: own.outputDir, bucketOf });
  const folder = isS3Address(own.outputDir) ? undefined : own.outputDir;
  const { ignoresCase } = folder === undefined ? { ignoresCase: false } : tryFolder(folder);
  const display = new ProgressDisplay(io.stderr);
  const places = new Places(bucketOf);
  try {
    display.wait('looking for recordings');
    const { items } = await gather(sources, { formats, folder, ignoresCase, signal });
    if (items.length === 0) throw new OptionsError('noAudio', `There are no recordings in ${files.join(', ')}.`);
    const versioned = await withS3Versions(await withVersions(items, { signal, fetch }), bucketOf, signal);
    const found = await findModel(settings, display, io);
    const model = jobModel(own.model, found.identity, values);
    const tasks = versioned.map((item) => ({
      item,
      key: keyOf(item, { model: found.identity, formats }, identityOf(item)),
    }));
    const place = await markedPlace(own.outputDir);
    const lengths = new Lengths();
    const counts = await enqueue(broker.queue, tasks, {
      ...{ model, formats, place, signal, force: own.force },
      opened: await places.open(place, formats),
      options: Object.fromEntries(REQUEST_OPTIONS.flatMap(({ name }) => written(values, name))),
      estimate: ({ item }) => lengths.estimate(item),
      onProgress: (done) => display.wait(`${done} of ${tasks.length} are in the queue`),
    });
    display.clear();
    if (own.json) io.stdout.write(`${JSON.stringify(counts)}\n`);
    else for (const line of countLines(counts, shown)) display.line(line);
    return EXIT.ok;
  } finally {
    places.close();
    display.clear();
    input?.destroy();
  }
}

function jobModel(name: string, identity: string, values: ReadonlyMap<string, string>): JobModel {
  const options = Object.fromEntries(STORAGE_OPTIONS.flatMap((option) => written(values, option)));
  return { name: existsSync(name) ? resolvePath(name) : name, identity, options };
}

function written(values: ReadonlyMap<string, string>, name: string): [name: string, text: string][] {
  const text = values.get(name);
  return text === undefined ? [] : [[name, text]];
}

function countLines({ added, queued, done, failed }: Enqueued, shown: string): string[] {
  const parts = [
    `${added} put into the queue ${shown}`,
    ...(queued > 0 ? [`${queued} were in it`] : []),
    ...(done > 0 ? [`${done} done before`] : []),
    ...(failed > 0 ? [`${failed} failed in it`] : []),
  ];
  const hint = failed > 0 ? ['  What failed is tried again with: sotto batch retry'] : [];
  return [parts.join(', '), ...hint];
}
