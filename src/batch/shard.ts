/**
 * Which part of a batch a process does, where a scheduler starts many of them with an index each. A recording belongs to a
 * shard by a hash of its id, so every machine knows without asking whose it is.
 *
 * @see https://docs.bacalhau.org (BACALHAU_PARTITION_INDEX, BACALHAU_PARTITION_COUNT)
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode (JOB_COMPLETION_INDEX)
 * @see https://slurm.schedmd.com/job_array.html (SLURM_ARRAY_TASK_ID, _MIN, _MAX, _STEP, _COUNT)
 */
import { createHash } from 'node:crypto';
import { OptionsError } from '../base/errors.ts';

export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
  /** What it was read from, for messages: `--shard`. */
  readonly from: string;
}

type Environment = (variable: string) => string | undefined;

const MOST_SHARDS = 100_000;

/**
 * @param text of `--shard`: `2/5`
 * @returns undefined for the whole batch: no shard is asked for, nor does a scheduler's variable stand in the environment
 * @throws {OptionsError} `shard`
 */
export function shardOf(text: string | undefined, environment: Environment): Shard | undefined {
  if (text !== undefined) return written(text, '--shard');
  const own = environment('SOTTO_SHARD');
  if (own !== undefined && own !== '') return written(own, 'SOTTO_SHARD');
  return bacalhau(environment) ?? kubernetes(environment) ?? slurm(environment);
}

/** Is the recording one of this shard's? Without a shard all are. */
export function isInShard(id: string, shard: Shard | undefined): boolean {
  if (!shard) return true;
  const { index, count } = shard;
  return createHash('sha256').update(id).digest().readUIntBE(0, 6) % count === index - 1;
}

/** The name of its journal. */
export function journalName(shard: Shard | undefined): string {
  return shard ? `batch-${shard.index}-of-${shard.count}.jsonl` : 'batch.jsonl';
}

function written(text: string, from: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text.trim()) ?? [];
  if (index === undefined) {
    throw new OptionsError('shard', `${from} is a part of how many, such as 2/5, not "${text}".`);
  }
  if (Number(index) === 0) {
    throw new OptionsError('shard', `${from} ${text}: shards are counted from 1.`, {
      hint: `The first is 1/${count}, the last ${count}/${count}.`,
    });
  }
  return checked({ index: Number(index), count: Number(count), from });
}

function bacalhau(environment: Environment): Shard | undefined {
  const index = whole(environment, 'BACALHAU_PARTITION_INDEX');
  const count = whole(environment, 'BACALHAU_PARTITION_COUNT');
  if (index === undefined || count === undefined) return undefined;
  return checked({ index: index + 1, count, from: 'BACALHAU_PARTITION_INDEX' });
}

/** Kubernetes does not say how many there are. */
function kubernetes(environment: Environment): Shard | undefined {
  const index = whole(environment, 'JOB_COMPLETION_INDEX');
  if (index === undefined) return undefined;
  const count = whole(environment, 'JOB_COMPLETIONS');
  if (count === undefined) {
    throw new OptionsError('shard', 'JOB_COMPLETION_INDEX is set, and Kubernetes does not say of how many.', {
      hint: 'Set JOB_COMPLETIONS in the job file to its number of completions; --shard 1/1 does the whole.',
    });
  }
  return checked({ index: index + 1, count, from: 'JOB_COMPLETION_INDEX' });
}

/** Tasks may be numbered from any number, in steps. */
function slurm(environment: Environment): Shard | undefined {
  const id = whole(environment, 'SLURM_ARRAY_TASK_ID');
  const count = whole(environment, 'SLURM_ARRAY_TASK_COUNT');
  if (id === undefined || count === undefined) return undefined;
  const min = whole(environment, 'SLURM_ARRAY_TASK_MIN') ?? 0;
  const step = whole(environment, 'SLURM_ARRAY_TASK_STEP') || 1;
  const max = whole(environment, 'SLURM_ARRAY_TASK_MAX') ?? min + (count - 1) * step;
  const index = (id - min) / step;
  if (!Number.isInteger(index) || max !== min + (count - 1) * step) {
    throw new OptionsError('shard', `The tasks of the Slurm array (${min} to ${max}, ${count} of them) have gaps.`, {
      hint: `Number them one after another: --array=1-${count}`,
    });
  }
  return checked({ index: index + 1, count, from: 'SLURM_ARRAY_TASK_ID' });
}

function whole(environment: Environment, variable: string): number | undefined {
  const text = environment(variable);
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new OptionsError('shard', `${variable} is "${text}", not a whole number.`);
}

function checked(shard: Shard): Shard {
  const { index, count, from } = shard;
  if (count > MOST_SHARDS) throw new OptionsError('shard', `${from}: there are at most ${MOST_SHARDS} shards.`);
  if (index >= 1 && index <= count) return shard;
  throw new OptionsError('shard', `${from}: there is no shard ${index} of ${count}.`);
}
