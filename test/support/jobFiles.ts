/** What the job files of `examples/machines` start, as containers that run one after another. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repoRoot } from './paths.ts';

/** A container of a job. */
export interface JobContainer {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Places that it reads from, and those that it writes to. */
  readonly readable: readonly string[];
  readonly writable: readonly string[];
}

interface KubernetesJob {
  readonly spec: {
    readonly completionMode: 'Indexed';
    readonly completions: number;
    readonly template: {
      readonly spec: {
        readonly containers: readonly [
          {
            readonly image: string;
            readonly args: readonly string[];
            readonly env: readonly { readonly name: string; readonly value: string }[];
            readonly securityContext: { readonly readOnlyRootFilesystem: boolean };
            readonly volumeMounts: readonly { readonly mountPath: string; readonly readOnly?: boolean }[];
          },
        ];
      };
    };
  };
}

/** The pods of an Indexed Job. @see https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode */
export function kubernetesPods(): readonly JobContainer[] {
  const { spec } = read<KubernetesJob>('kubernetes.yaml');
  const [{ image, args, env, volumeMounts }] = spec.template.spec.containers;
  const places = volumeMounts.filter(({ mountPath }) => mountPath !== '/tmp');
  return indices(spec.completions).map((i) => ({
    image,
    args,
    env: { ...Object.fromEntries(env.map(({ name, value }) => [name, value])), JOB_COMPLETION_INDEX: String(i) },
    readable: places.filter(({ readOnly }) => readOnly).map(({ mountPath }) => mountPath),
    writable: places.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath),
  }));
}

interface BacalhauJob {
  readonly Type: 'batch';
  readonly Count: number;
  readonly Tasks: readonly [
    {
      readonly Engine: { readonly Params: { readonly Image: string; readonly Parameters: readonly string[] } };
      readonly InputSources: readonly { readonly Target: string }[];
      readonly ResultPaths: readonly { readonly Path: string }[];
      readonly Network: { readonly Type: string };
    },
  ];
}

/** The executions of a batch job. @see https://bacalhau.org/docs/guides/using-partitions */
export function bacalhauExecutions(): readonly JobContainer[] {
  const { Count, Tasks } = read<BacalhauJob>('bacalhau.yaml');
  const [{ Engine, InputSources, ResultPaths }] = Tasks;
  return indices(Count).map((i) => ({
    image: Engine.Params.Image,
    args: Engine.Params.Parameters,
    env: { BACALHAU_PARTITION_INDEX: String(i), BACALHAU_PARTITION_COUNT: String(Count) },
    readable: InputSources.map(({ Target }) => Target),
    writable: ResultPaths.map(({ Path }) => Path),
  }));
}

interface ComposeFile {
  readonly services: Readonly<
    Record<string, { readonly image: string; readonly command: readonly string[]; readonly volumes: readonly string[] }>
  >;
}

/** A service of the compose file. */
export function composeService(name: string): JobContainer {
  const { image, command, volumes } = read<ComposeFile>('compose.yaml').services[name]!;
  const places = volumes.map((volume) => volume.split(':'));
  return {
    image,
    args: command,
    env: {},
    readable: places.filter(([, , flags]) => flags === 'ro').map(([, place = '']) => place),
    writable: places.filter(([, , flags]) => flags !== 'ro').map(([, place = '']) => place),
  };
}

function read<T>(name: string): T {
  // With merge keys, as compose has them.
  return parse(readFileSync(join(repoRoot, 'examples/machines', name), 'utf8'), { merge: true }) as T;
}

function indices(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
