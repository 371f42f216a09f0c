/** What the lab's page and its engine, which runs in a worker, say to each other. */
import type {
  CaseResult,
  CommandCheck,
  CompilerMessage,
  Fork,
  ForkReport,
  KernelPlace,
  Peaks,
  ProgramName,
  ProgramReport,
  Survey,
  TimedCase,
  TimedInTurn,
  WgslText,
} from 'sotto/lab';

export interface KernelFacts {
  readonly name: string;
  /** Name, access and dims of each argument, as `x: read f32 [rows, nState]`. */
  readonly args: readonly string[];
}

export interface LabFacts {
  readonly kernels: readonly KernelFacts[];
  /** Absent where there is no WebGPU; then `refusal` says why. */
  readonly gpu: { readonly description: string; readonly isSoftware: boolean } | undefined;
  readonly refusal: string | undefined;
}

export interface WatText {
  readonly variant: string;
  /** All that run this case. */
  readonly variants: readonly string[];
  readonly text: string;
}

export type DeviceKind = 'webgpu' | 'cpu';

export interface PlaceOf extends Pick<KernelPlace, 'caseIndex' | 'storage' | 'variant'> {
  readonly kernel: string;
}

/** What can be asked of the engine: given, and what comes back. */
export interface Jobs {
  open: readonly [given: undefined, back: LabFacts];
  places: readonly [given: string, back: readonly KernelPlace[]];
  code: readonly [given: PlaceOf, back: WgslText];
  compile: readonly [given: Fork, back: readonly CompilerMessage[]];
  /** Checks, and times what is right. */
  run: readonly [given: { readonly fork: Fork; readonly time: boolean }, back: ForkReport];
  /** In turn, the first being what others are compared with; `caseIndex` and `storage` of a case that is timed. */
  compare: readonly [
    given: { readonly forks: readonly Fork[]; readonly at: Pick<KernelPlace, 'caseIndex' | 'storage'> },
    back: readonly TimedInTurn[],
  ];
  survey: readonly [
    given: { readonly kernel: string; readonly device: DeviceKind; readonly time: boolean },
    back: Survey,
  ];
  program: readonly [
    given: { readonly program: ProgramName; readonly device: DeviceKind; readonly fork: Fork | undefined },
    back: ProgramReport,
  ];
  /** Checks, and times what is right; back comes what the GPU did in the meantime, for Perfetto. */
  trace: readonly [given: Fork, back: string];
  wat: readonly [given: Omit<PlaceOf, 'variant'> & { readonly variant?: string | undefined }, back: WatText];
}

export type JobName = keyof Jobs;

/** Told while a job runs. */
export type Told =
  | { readonly kind: 'stage'; readonly text: string }
  | { readonly kind: 'start'; readonly title: string; readonly done: number; readonly total: number }
  | { readonly kind: 'case'; readonly result: CaseResult; readonly done: number; readonly total: number }
  | { readonly kind: 'command'; readonly check: CommandCheck }
  | { readonly kind: 'timing'; readonly timing: TimedCase }
  | { readonly kind: 'peaks'; readonly peaks: Peaks };

export interface Failure {
  readonly message: string;
  readonly isAborted: boolean;
}

export type ToEngine =
  | { readonly kind: 'ask'; readonly id: number; readonly name: JobName; readonly given: unknown }
  | { readonly kind: 'abort'; readonly id: number };

export type FromEngine =
  | { readonly kind: 'done'; readonly id: number; readonly back: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'told'; readonly id: number; readonly told: Told }
  /** The GPU is gone; this engine is of no use any more. */
  | { readonly kind: 'lost'; readonly reason: string };
