/** Shards: who does what, and what schedulers' variables say. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { isInShard, journalName, shardOf } from '../../src/batch/shard.ts';
import { throws } from '../support/throws.ts';

const test = suite('batch/shard');

type Variables = Readonly<Record<string, string>>;

const read = (text: string | undefined, variables: Variables = {}): string => {
  const shard = shardOf(text, (name) => variables[name]);
  return shard ? `${shard.index}/${shard.count} ${shard.from}` : 'whole';
};

test('shards of every count are disjoint, complete and about equal', () => {
  const ids = Array.from({ length: 400 }, (_, i) => `folder ${i % 7}/recording-${i}.mp3`);
  for (let count = 1; count <= 24; count++) {
    const sizes = Array.from({ length: count }, () => 0);
    for (const id of ids) {
      const owners = sizes.flatMap((_, i) => (isInShard(id, { index: i + 1, count, from: '' }) ? [i] : []));
      assert.is(owners.length, 1, `${id} of ${count}`);
      sizes[owners[0]!]!++;
    }
    const mean = ids.length / count;
    // Of a fair draw: six standard deviations.
    for (const size of sizes) assert.ok(Math.abs(size - mean) <= 6 * Math.sqrt(mean) + 1, `${sizes}`);
  }
});

test('it is the same on every machine and in every version', () => {
  const shards = ['a.mp3', 'b/c.wav', 'Größe 1.flac', 'https://x/y?z'].map((id) =>
    [1, 2, 3, 4, 5].find((index) => isInShard(id, { index, count: 5, from: '' })),
  );
  assert.equal(shards, [5, 4, 4, 3]);
});

test('options and variables', () => {
  const rows: readonly (readonly [text: string | undefined, variables: Variables, wanted: string])[] = [
    [undefined, {}, 'whole'],
    ['1/1', {}, '1/1 --shard'],
    ['2/5', { SOTTO_SHARD: '1/3' }, '2/5 --shard'],
    [undefined, { SOTTO_SHARD: '5/5' }, '5/5 SOTTO_SHARD'],
    [undefined, { SOTTO_SHARD: '' }, 'whole'],
    [undefined, { BACALHAU_PARTITION_INDEX: '0', BACALHAU_PARTITION_COUNT: '3' }, '1/3 BACALHAU_PARTITION_INDEX'],
    [undefined, { BACALHAU_PARTITION_INDEX: '2', BACALHAU_PARTITION_COUNT: '3' }, '3/3 BACALHAU_PARTITION_INDEX'],
    [undefined, { JOB_COMPLETION_INDEX: '7', JOB_COMPLETIONS: '8' }, '8/8 JOB_COMPLETION_INDEX'],
    [undefined, { SLURM_ARRAY_TASK_ID: '3', SLURM_ARRAY_TASK_COUNT: '4' }, '4/4 SLURM_ARRAY_TASK_ID'],
    [
      undefined,
      { SLURM_ARRAY_TASK_ID: '1', SLURM_ARRAY_TASK_COUNT: '4', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_MAX: '4' },
      '1/4 SLURM_ARRAY_TASK_ID',
    ],
    [
      undefined,
      {
        SLURM_ARRAY_TASK_ID: '14',
        SLURM_ARRAY_TASK_COUNT: '3',
        SLURM_ARRAY_TASK_MIN: '10',
        SLURM_ARRAY_TASK_MAX: '14',
        SLURM_ARRAY_TASK_STEP: '2',
      },
      '3/3 SLURM_ARRAY_TASK_ID',
    ],
    // A job that is no array.
    [undefined, { SLURM_JOB_ID: '14' }, 'whole'],
  ];
  for (const [text, variables, wanted] of rows) assert.is(read(text, variables), wanted);
});

test('what cannot be meant is refused', async () => {
  const rows: readonly (readonly [text: string | undefined, variables: Variables, words: RegExp])[] = [
    ['0/5', {}, /counted from 1.*1\/5, the last 5\/5/],
    ['6/5', {}, /no shard 6 of 5/],
    ['1/0', {}, /no shard 1 of 0/],
    ['2', {}, /such as 2\/5/],
    ['a/b', {}, /such as 2\/5/],
    ['-1/5', {}, /such as 2\/5/],
    ['1/999999999', {}, /at most/],
    [undefined, { BACALHAU_PARTITION_INDEX: '3', BACALHAU_PARTITION_COUNT: '3' }, /no shard 4 of 3/],
    [undefined, { BACALHAU_PARTITION_INDEX: 'x', BACALHAU_PARTITION_COUNT: '3' }, /"x", not a whole number/],
    [undefined, { JOB_COMPLETION_INDEX: '0' }, /JOB_COMPLETIONS/],
    [
      undefined,
      { SLURM_ARRAY_TASK_ID: '9', SLURM_ARRAY_TASK_COUNT: '3', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_MAX: '9' },
      /gaps.*--array=1-3/,
    ],
  ];
  for (const [text, variables, words] of rows) await throws(OptionsError, 'shard', () => read(text, variables), words);
});

test('each has a journal of its own', () => {
  assert.equal([undefined, { index: 2, count: 5, from: '' }].map(journalName), ['batch.jsonl', 'batch-2-of-5.jsonl']);
});

test.run();
