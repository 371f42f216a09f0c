/**
 * How long a transcription takes and where the time goes; one process a row, so that its peak memory is its own.
 *
 *   node dist/bench/whisper.js [--model tiny,base] [--recording jfk,long] [--device cpu,webgpu] [--threads 1,2]
 *       [--node 20,24] [--processes 3] [--passes 4] [--prefix 'chrt -r 1'] [--save]
 *
 * Of each process the first transcription is listed apart, unless it is the only one. `--save` writes
 * bench/results/rows/*.json, from which `report.ts` makes the tables. On a machine that others use too, a prefix that
 * raises the priority makes figures repeatable; CPU time stands beside the wall clock's.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { spread, summarise } from '../src/benchmark/statistics.ts';
import { repoRoot } from '../test/support/paths.ts';
import { locateModel } from '../weights/locate.ts';
import { Child, nodesOf } from './childProcess.ts';
import { describeMachine } from './machine.ts';
import type { RowProcess } from './row.ts';
import { nodeOf, type WhisperRow, warmPasses } from './row.ts';
import type { Stages, Time } from './stages.ts';

function printRow(row: WhisperRow): void {
  const { processes } = row;
  const passes = warmPasses(row);
  const each = (pick: (stages: Stages) => Time, per: (stages: Stages) => number = () => 1): string => {
    const wall = summarise(passes.map((stages) => pick(stages).wallMs / per(stages)));
    const cpu = summarise(passes.map((stages) => pick(stages).cpuMs / per(stages)));
    return `${spread(wall, 1).padEnd(30)} cpu ${spread(cpu, 1)}`;
  };
  const first = processes[0]!;
  const passSeconds = summarise(passes.map(({ endToEnd }) => endToEnd.wallMs / 1000));
  const lines = [
    ['load', spread(summarise(processes.map(({ loadMs }) => loadMs)), 0)],
    ['read the file', spread(summarise(processes.map(({ audioMs }) => audioMs)), 0)],
    ['log-mel', each((s) => s.logMel)],
    [
      'encode a window',
      each(
        (s) => s.encode,
        (s) => s.windows,
      ),
    ],
    [
      'decode a token',
      each(
        (s) => s.decode,
        (s) => s.sampledTokens,
      ),
    ],
    ['end to end', each((s) => s.endToEnd)],
    ['  the first', spread(summarise(processes.map((p) => p.passes[0]!.endToEnd.wallMs)), 1)],
    ['times real time', (first.audioSeconds / passSeconds.median).toFixed(1)],
    ['peak memory, MB', spread(summarise(processes.map(({ peakMegabytes }) => peakMegabytes)), 0)],
  ];
  const { windows, sampledTokens, text } = passes[0]!;
  const loads = processes.map(({ machine }) => machine.loadAverage).join(', ');
  console.log(
    `\n${row.model}, ${row.recording} (${first.audioSeconds.toFixed(1)} s), ${first.device}, Node ${first.machine.node}`,
  );
  console.log(
    `  ${passes.length} passes of ${processes.length} processes; ${windows} windows, ${sampledTokens} tokens; load average ${loads}`,
  );
  for (const [name = '', value] of lines) console.log(`  ${name.padEnd(20)} ${value}`);
  console.log(`  ${text.trim().slice(0, 100)}`);
}

async function main(): Promise<void> {
  const list = (value: string): string[] => value.split(',');
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'tiny' },
      recording: { type: 'string', default: 'jfk' },
      device: { type: 'string', default: 'cpu' },
      threads: { type: 'string', default: '1,2' },
      node: { type: 'string', default: process.execPath },
      processes: { type: 'string', default: '3' },
      passes: { type: 'string', default: '4' },
      prefix: { type: 'string', default: '' },
      save: { type: 'boolean', default: false },
    },
  });
  const { prefix, passes } = values;
  for (const model of list(values.model)) {
    // Fetched and converted before anything is timed.
    await locateModel(model);
    for (const recording of list(values.recording))
      for (const device of list(values.device))
        for (const threads of device === 'cpu' ? list(values.threads) : ['1'])
          for (const node of nodesOf(values.node)) {
            const processes: RowProcess[] = [];
            for (let i = 0; i < Number(values.processes); i++) {
              const child = new Child('whisperRow.js', [model, recording, device, threads, passes], { node, prefix });
              processes.push((await child.receive()) as RowProcess); // whisperRow.ts sends nothing else
            }
            const row: WhisperRow = {
              model,
              recording: basename(recording),
              device,
              ...(device === 'cpu' && { threads: Number(threads) }),
              prefix,
              processes,
            };
            printRow(row);
            if (values.save) saveRow(row);
          }
  }
  console.log(`\n${describeMachine().cpu}, ${describeMachine().cores} cores`);
}

function saveRow(row: WhisperRow): void {
  const folder = join(repoRoot, 'bench/results/rows');
  mkdirSync(folder, { recursive: true });
  const parts = [
    row.model,
    row.recording,
    row.device,
    ...(row.threads ? [`${row.threads}t`] : []),
    `node${nodeOf(row)}`,
  ];
  writeFileSync(join(folder, `${parts.join('-')}.json`), `${JSON.stringify(row, undefined, 1)}\n`);
}

await main();
