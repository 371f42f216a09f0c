/**
 * Puts what the acceptance script says into bench/results/parity.json, of which README's table is made.
 *
 *   node ../shared/accept/parity.mjs --model tiny --kind greedy --json tiny.json
 *   node dist/bench/parity.js --model tiny --device cpu tiny.json
 *
 * Rows of the same model, device and way take the place of those from before.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repoRoot } from '../test/support/paths.ts';
import { type Parity, type ParityRow, readParity } from './readmeTables.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'tiny' },
    device: { type: 'string', default: 'cpu' },
    whisper: { type: 'string', default: '20250625' },
  },
});
const { model, device, whisper } = values;
const rows = positionals.flatMap((path) => {
  // Written by the acceptance script.
  const said = JSON.parse(readFileSync(path, 'utf8')) as readonly Omit<ParityRow, 'model' | 'device'>[];
  return said.map(({ kind, clips, equal, tie, different, tokens }): ParityRow => {
    return { model, device, kind, clips, equal, tie, different, tokens };
  });
});
const keyOf = ({ model, device, kind }: ParityRow): string => [model, device, kind].join();
const all = new Map([...readParity().rows, ...rows].map((row) => [keyOf(row), row]));
const parity: Parity = { date: new Date().toISOString().slice(0, 10), whisper, rows: [...all.values()] };
const lines = parity.rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n');
const text = `{\n "date": "${parity.date}",\n "whisper": "${whisper}",\n "rows": [\n${lines}\n ]\n}\n`;
writeFileSync(join(repoRoot, 'bench/results/parity.json'), text);
