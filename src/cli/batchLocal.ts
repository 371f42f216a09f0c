/** A batch on this machine: what is there, what is to be done, and doing it. */

import { OptionsError } from '../base/errors.ts';
import type { BatchState } from '../batch/batchState.ts';
import { gather } from '../batch/gather.ts';
import { type BatchItem, keyOf } from '../batch/item.ts';
import { Lengths, LongestFirst } from '../batch/lengths.ts';
import { type BatchPlan, planBatch } from '../batch/plan.ts';
import { runBatch } from '../batch/run.ts';
import { s3Buckets, withS3Versions } from '../batch/s3/openS3.ts';
import { isInShard, shardOf } from '../batch/shard.ts';
import { withVersions } from '../batch/sources/addressVersions.ts';
import { checkAdapter } from '../runtime/checkAdapter.ts';
import { environment } from '../runtime/environment.ts';
import { proxyFetch } from '../runtime/nodeProxy.ts';
import { findModel, withExecutor } from './batchExecutor.ts';
import { openBatchPlace } from './batchPlace.ts';
import { BatchProgress, tellSummary } from './batchProgress.ts';
import { type BatchSettings, sourcesOf } from './batchSettings.ts';
import { type CommandIo, EXIT, type InputStream } from './io.ts';
import { hostPlatform } from './platform.ts';
import { ProgressDisplay } from './progress.ts';

/**
 * @param named sources
 * @param values what is written on the command line, for workers
 * @returns the exit status
 */
export async function localBatch(
  named: readonly string[],
  settings: BatchSettings,
  values: ReadonlyMap<string, string>,
  io: CommandIo,
): Promise<number> {
  const { own, formats } = settings;
  if (own.outputDir === undefined) {
    throw new OptionsError('batchArguments', 'batch was not told where its outputs go.', {
      hint: 'Name a folder, -o out, or a place in S3: -o s3://bucket/out',
    });
  }
  const shard = shardOf(own.shard, environment);
  await checkAdapter(hostPlatform(), settings.load);
  const fetch = proxyFetch(environment);
  const bucketOf = s3Buckets({ environment, fetch });
  const display = new ProgressDisplay(io.stderr);
  let input: InputStream | undefined;
  const stdin = (): InputStream => {
    input = io.stdin();
    return input;
  };
  let close = (): void => {};
  try {
    const sources = sourcesOf(named, settings, { stdin, outputs: own.outputDir, bucketOf });
    const place = await openBatchPlace(own.outputDir, formats, shard, bucketOf);
    close = place.close;
    const { outputs, folder, ignoresCase, journalPath } = place;
    if (shard) display.line(`shard ${shard.index} of ${shard.count}, as ${shard.from} says`);
    display.wait('looking for recordings');
    const { signal } = io;
    const { items, repeated } = await gather(sources, { formats, folder, ignoresCase, signal });
    if (items.length === 0) throw noRecordings(named);
    if (repeated > 0) display.note(`Named more than once, and transcribed once: ${repeated} of the recordings.`);
    const { state, damaged } = place.begin();
    if (damaged > 0) display.note(`Damaged lines of the journals in ${folder}, which are left out: ${damaged}.`);
    const ofShard = items.filter(({ id }) => isInShard(id, shard));
    display.wait('looking at recordings');
    const seen = await withS3Versions(await withVersions(ofShard, { signal, fetch }), bucketOf, signal);
    const versioned = seen.map((item) => state.remembered(item));
    const model = await findModel(settings, display, io);
    const identity = { model: model.identity, formats };
    const key = (item: BatchItem): string => keyOf(item, identity, settings.identityOf(item));
    const plan = await planBatch(versioned, key, state, outputs, own);
    place.removeStale([...plan.done, ...plan.tasks.map(({ item }) => item)]);

    const lengths = lengthsOf(versioned, state);
    const order = new LongestFirst(plan.tasks, lengths);
    const progress = new BatchProgress(display, lengths, order, plan.tasks.length);
    try {
      if (plan.tasks.length > 0) {
        await withExecutor(
          { settings, values, model, outputs, bucketOf, display, io, tasks: plan.tasks.length },
          (executor) => runBatch(order, executor, place, signal, (task) => progress.eventsOf(task)),
        );
      }
    } finally {
      display.clear();
      tellSummary(progress.summary(plan, items.length - ofShard.length), journalPath, io, own.json);
    }
    return failedIn(plan, progress) ? EXIT.failed : EXIT.ok;
  } finally {
    display.clear();
    close();
    input?.destroy();
  }
}

function failedIn({ failed }: BatchPlan, { failures }: BatchProgress): boolean {
  return failed.length + failures.length > 0;
}

/** With what earlier runs have measured. */
function lengthsOf(items: readonly BatchItem[], state: Pick<BatchState, 'done'>): Lengths {
  const lengths = new Lengths();
  const audio = new Map(items.map((item) => [item.id, item.audio]));
  for (const { id, bytes, seconds = 0 } of state.done()) {
    const recording = audio.get(id);
    if (recording !== undefined) lengths.measured({ audio: recording, bytes }, seconds);
  }
  return lengths;
}

function noRecordings(named: readonly string[]): OptionsError {
  return new OptionsError('noAudio', `There are no recordings in ${named.join(', ')}.`, {
    hint: 'Which files are recordings can be said with patterns: --include "**/*.mp3"',
  });
}
