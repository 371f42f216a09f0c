/** A batch on this machine: what is there, what is to be done, and doing it. */

import { OptionsError } from '../base/errors.ts';
import { BatchState } from '../batch/batchState.ts';
import { FolderOutputs } from '../batch/folderOutputs.ts';
import { gather } from '../batch/gather.ts';
import { type BatchItem, keyOf } from '../batch/item.ts';
import { Journal, readJournals } from '../batch/journal.ts';
import { Lengths, LongestFirst } from '../batch/lengths.ts';
import { type BatchPlan, planBatch } from '../batch/plan.ts';
import { runBatch } from '../batch/run.ts';
import { journalName, shardOf } from '../batch/shard.ts';
import { withVersions } from '../batch/sources/addressVersions.ts';
import { tryFolder } from '../files/outputFolder.ts';
import { environment } from '../runtime/environment.ts';
import { proxyFetch } from '../runtime/nodeProxy.ts';
import { findModel, withExecutor } from './batchExecutor.ts';
import { BatchProgress, tellSummary } from './batchProgress.ts';
import { type BatchSettings, sourcesOf } from './batchSettings.ts';
import { type CommandIo, EXIT } from './io.ts';
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
  const folder = own.outputDir;
  if (folder === undefined) {
    throw new OptionsError('batchArguments', 'batch was not told where its outputs go.', {
      hint: 'Name a folder: -o out',
    });
  }
  const shard = shardOf(own.shard, environment);
  const sources = sourcesOf(named, settings, { stdin: io.stdin, outputs: folder });
  const { ignoresCase } = tryFolder(folder);
  const display = new ProgressDisplay(io.stderr);
  try {
    if (shard) display.line(`shard ${shard.index} of ${shard.count}, as ${shard.from} says`);
    display.wait('looking for recordings');
    const { signal } = io;
    const { items, repeated } = await gather(sources, { formats, folder, ignoresCase, signal });
    if (items.length === 0) throw noRecordings(named);
    if (repeated > 0) display.note(`${repeated} are named more than once, and transcribed once.`);
    const { entries, damaged } = readJournals(folder);
    if (damaged > 0) display.note(`${damaged} lines of the journals in ${folder} are damaged, and left out.`);
    const state = new BatchState(entries);
    const versioned = await withVersions(items, {
      signal,
      known: (item) => state.version(item),
      fetch: proxyFetch(environment),
    });
    const outputs = new FolderOutputs(folder, formats);
    const model = await findModel(settings, display, io);
    const identity = { model: model.identity, formats };
    const key = (item: BatchItem): string => keyOf(item, identity, settings.identityOf(item));
    const plan = await planBatch(versioned, key, state, outputs, { ...own, shard });
    outputs.removeStale([...plan.done, ...plan.tasks.map(({ item }) => item)]);

    const lengths = lengthsOf(versioned, state);
    const order = new LongestFirst(plan.tasks, lengths);
    const progress = new BatchProgress(display, lengths, order, plan.tasks.length);
    const journal = new Journal(folder, journalName(shard));
    try {
      if (plan.tasks.length > 0) {
        await withExecutor({ settings, values, model, outputs, display, io, tasks: plan.tasks.length }, (executor) =>
          runBatch(order, executor, journal, signal, (task) => progress.eventsOf(task)),
        );
      }
    } finally {
      journal.close();
      display.clear();
      tellSummary(progress.summary(plan), journal.path, io, own.json);
    }
    return failedIn(plan, progress) ? EXIT.failed : EXIT.ok;
  } finally {
    display.clear();
  }
}

function failedIn({ failed }: BatchPlan, { failures }: BatchProgress): boolean {
  return failed.length + failures.length > 0;
}

/** With what earlier runs have measured. */
function lengthsOf(items: readonly BatchItem[], state: BatchState): Lengths {
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
