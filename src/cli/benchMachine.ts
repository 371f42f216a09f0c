/** The machine that a benchmark runs on. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import type { BenchMachine } from '../benchmark/report.ts';

/** Those on which the speed of WebAssembly depends. */
const FEATURES = /^(avx|avx2|avx512f|avx512_vnni|avx_vnni|avx10|fma|asimd|asimddp|i8mm|sve)$/;

/** @param loadBefore load average when the first measurement began */
export function describeMachine(loadBefore: number): BenchMachine {
  const cores = cpus();
  const { deno, bun, node } = process.versions;
  const runtime = deno === undefined ? (bun === undefined ? `Node ${node}` : `Bun ${bun}`) : `Deno ${deno}`;
  return {
    cpu: cores[0]?.model.trim() || process.arch,
    cores: cores.length,
    features: features(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    runtime,
    loadAverage: { before: loadBefore, after: loadAverage() },
  };
}

/** Of the last minute; 0 on Windows, which does not count it. */
export function loadAverage(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** Linux tells them; nothing else does without a program of its own. */
function features(): readonly string[] {
  try {
    const line = readFileSync('/proc/cpuinfo', 'utf8').match(/^(?:flags|Features)\s*:\s*(.*)$/m)?.[1] ?? '';
    return line.split(' ').filter((flag) => FEATURES.test(flag));
  } catch {
    return [];
  }
}
