/** For people who work on kernels: `import ... from 'sotto/lab'`. */

export { differencesOf } from './benchmark/baseline.ts';
export { reportChart } from './benchmark/chart.ts';
export {
  type Measured,
  type MeasuredModel,
  type Measurements,
  type MeasureOne,
  measureInTurn,
  measureModel,
} from './benchmark/measure.ts';
export {
  BENCH_SCHEMA,
  type BenchConfiguration,
  type BenchFailure,
  type BenchMachine,
  type BenchReport,
  type BenchRow,
  type BenchSample,
  readReport,
  timesOf,
  titleOf,
} from './benchmark/report.ts';
export { machineLine, reportCells, reportTable, wordsLine } from './benchmark/table.ts';
export type { WordErrors } from './benchmark/wordErrors.ts';
export { createReferenceDevice } from './devices/reference/device.ts';
export { createWebGpuDevice, type WebGpuDevice, type WebGpuOptions } from './devices/webgpu/device.ts';
export type { CompilerMessage } from './engine/compilerMessage.ts';
export type { Device } from './engine/device.ts';
export type { Kernel, KernelCase, KernelModule, Reference, Tolerance } from './engine/kernel.ts';
export { type Command, command, type Program, type ProgramBuilder, record, type Tensor } from './engine/program.ts';
export type { GpuFeatures } from './engine/wgsl/features.ts';
export type { FindTuning, Prefers } from './engine/wgsl/tuning.ts';
export { drawAttention, drawBeams, drawCandidates, drawMel } from './inspect/draw/drawings.ts';
export { kernels } from './kernels/registry.ts';
export { caseTitle, checkKernel, type KernelCheck, type StorageChoice, variantsOf } from './lab/checkKernel.ts';
export type { Comparison, ErrorMap } from './lab/compare.ts';
export {
  type Fork,
  forkModule,
  type KernelPlace,
  kernelPlaces,
  timedPlaces,
  type WgslText,
  wgslOf,
} from './lab/fork.ts';
export { measurePeaks, type Peaks } from './lab/peaks.ts';
export { type CommandProfile, type ProfiledDevice, profileDevice } from './lab/profileDevice.ts';
export {
  checkProgram,
  PROGRAMS,
  type ProgramName,
  type ProgramOptions,
  type ProgramReport,
  SMALL_MODEL,
} from './lab/program/checkProgram.ts';
export type { CommandCheck } from './lab/program/lockstep.ts';
export { type CompilingDevice, compileFork, type ForkReport, runFork } from './lab/runFork.ts';
export type { CaseResult, RunOptions, TimedCase } from './lab/runPlaces.ts';
export { type Survey, surveyKernel } from './lab/survey.ts';
export { type TimedInTurn, timeInTurn, type Version } from './lab/timeInTurn.ts';
export { type KernelTiming, type TimingOptions, timeKernel } from './lab/timeKernel.ts';
export { startTrace, type Trace, type TraceEvent, traceDevice } from './lab/trace.ts';
export type { KernelUse, SizeToTune } from './lab/tune/modelUses.ts';
export { sizesOf, TUNED_NAMES, type TunedName } from './lab/tune/sizes.ts';
export { type TuneOptions, tuneDevice } from './lab/tune/tuneDevice.ts';
export { disassemble } from './lab/wat/disassemble.ts';
export { type WasmOptions, wasmOf } from './lab/wat/wasmOf.ts';
export { diff, type Hunk } from './lab/wgslDiff.ts';
export { preferencesOf } from './tuning/prefer.ts';
export {
  type AdapterIdentity,
  type MeasuredPoint,
  type MeasuredUse,
  type RangeChoice,
  readTable,
  TableFault,
  type Times,
  type TuningTable,
  tableText,
} from './tuning/table.ts';
