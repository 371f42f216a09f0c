/** The options of `sotto batch enqueue|work|status|retry` that are the queue's own. */
import type { OptionTable } from '../../options/spec.ts';

/** Of all four. */
export const QUEUE_OPTIONS = {
  queue: {
    kind: 'text',
    where: ['command'],
    group: 'queue',
    help: 'The broker: redis://host:6379, rediss:// (TLS), or postgres://user@host/database. Other users of the machine see a command line, and a password in it: the variable SOTTO_QUEUE does the same.',
    none: 'SOTTO_QUEUE.',
    command: { placeholder: 'URL' },
  },
  queueName: {
    kind: 'text',
    default: 'sotto',
    where: ['command'],
    group: 'queue',
    help: 'One queue has jobs for one model.',
    command: { placeholder: 'NAME' },
  },
} as const satisfies OptionTable;

/** Of a worker. */
export const WORK_OPTIONS = {
  model: {
    kind: 'text',
    where: ['command'],
    group: 'model',
    help: 'The weights have to be those that the jobs are for.',
    none: 'the model that the jobs name.',
    command: { short: 'm', placeholder: 'NAME|DIR' },
  },
  outputDir: {
    kind: 'text',
    where: ['command'],
    group: 'output',
    help: 'Where this machine finds the folder for the outputs, if not at the path that it has on the machine that gave the jobs.',
    none: 'at that path.',
    command: { short: 'o', placeholder: 'DIR' },
  },
  untilEmpty: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'queue',
    help: 'Ends when nothing is left in the queue, for schedulers that start workers; exit status 1 if one that it had failed.',
    command: { flag: true },
  },
  lockTimeout: {
    kind: 'number',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 30,
    where: ['command'],
    group: 'queue',
    help: 'The recordings of a worker from which nothing was heard for so long go to others.',
  },
  shutdownTimeout: {
    kind: 'number',
    unit: 'seconds',
    min: 0,
    default: 30,
    where: ['command'],
    group: 'queue',
    help: 'After SIGTERM or Ctrl-C no recording is taken, and those that run have so long to finish; then they go back to the queue.',
  },
} as const satisfies OptionTable;
