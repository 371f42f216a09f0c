/** What the words of `sotto batch` that are about a queue are given when its broker is there. */
import type { Broker } from '../batch/queue/broker.ts';
import type { ParsedArguments } from './args.ts';
import type { CommandIo } from './io.ts';

export const QUEUE_WORDS = ['enqueue', 'work', 'status', 'retry'] as const;
export type QueueWord = (typeof QUEUE_WORDS)[number];

export interface QueueCall extends Pick<ParsedArguments, 'files' | 'values'> {
  readonly broker: Broker;
  /** The queue with its broker, for people. */
  readonly shown: string;
  readonly io: CommandIo;
}
