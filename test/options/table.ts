/** A table with a row of each kind, for tests. */
import type { OptionTable } from '../../src/options/spec.ts';

const common = { where: ['transcribe'], group: 'decoding', help: 'A sentence.' } as const;

export const EVERY_KIND = {
  ratio: { kind: 'number', min: 0, max: 1, ...common },
  penalty: { kind: 'number', above: 0, default: 1, ...common },
  threshold: { kind: 'number', nullable: true, default: -1, none: 'no such test.', ...common },
  beamSize: { kind: 'integer', min: 1, ...common, command: { default: 5 } },
  ladder: { kind: 'numbers', min: 0, default: [0, 0.5], ...common },
  blank: { kind: 'boolean', default: true, ...common },
  loud: { kind: 'boolean', default: true, nullable: true, ...common },
  hotWords: { kind: 'text', ...common },
  marks: { kind: 'text', default: '.,', ...common },
  task: { kind: 'choice', choices: ['transcribe', 'translate'], default: 'transcribe', ...common },
  formats: { kind: 'choices', choices: ['txt', 'srt', 'all'], default: ['all'], ...common },
  prefix: { kind: 'tokens', ...common },
  ids: { kind: 'list', nullable: true, default: '-1', ...common },
  clips: { kind: 'list', ...common },
  vad: {
    kind: 'table',
    default: false,
    ...common,
    options: {
      threshold: { kind: 'number', unit: 'dB', min: 0, default: 4, ...common },
      minSpeech: { kind: 'number', unit: 'seconds', default: 0.1, ...common },
    },
  },
  chunk: { kind: 'number', min: 0.1, default: 1, ...common, where: ['stream'] },
} as const satisfies OptionTable;
