/**
 * Compiles a program that uses every entry point, with `skipLibCheck: false`, by the versions of TypeScript from 5.6 on, with the
 * types of the DOM, of Node, of both, of a worker and of none; a line each. Fetches them first.
 *
 *   npm run typescripts [-- VERSION...]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchProject, start } from './fetchProject.ts';

const VERSIONS = ['5.6.3', '5.7.3', '5.8.3', '5.9.3', '6.0.3', '7.0.2'];
const folder = fetchProject('typescripts', [
  '@types/node@22',
  ...VERSIONS.map((version) => `typescript-${version}@npm:typescript@${version}`),
]);

writeFileSync(
  join(folder, 'program.ts'),
  `import { type DeviceOptions, load, type LogitFilter, type Platform, readAudio, type Whisper } from 'sotto';
import { ERROR_CODES } from 'sotto/codes';
import * as core from 'sotto/core';
import * as lab from 'sotto/lab';

export async function program(platform: Platform, options: DeviceOptions, logitFilter: LogitFilter): Promise<string> {
  const whisper: Whisper = await load('tiny', options);
  for await (const segment of whisper.segments(new Float32Array(16000), { logitFilter })) return segment.text;
  const samples: Float32Array = await readAudio('talk.mp3');
  return String(samples.length + platform.hardwareThreads);
}
export { core, ERROR_CODES, lab };
`,
);
const DISPOSE = `import { load } from 'sotto';
await using whisper = await load('tiny');
export const text: string = (await whisper.transcribe('talk.mp3')).text;
`;
writeFileSync(join(folder, 'dispose.ts'), DISPOSE);

interface Project {
  readonly lib: readonly string[];
  readonly types: readonly string[];
  readonly module: 'NodeNext' | 'ESNext';
  readonly file?: string;
}

const projects: Readonly<Record<string, Project>> = {
  'no types': { lib: ['ES2022'], types: [], module: 'NodeNext' },
  Node: { lib: ['ES2022'], types: ['node'], module: 'NodeNext' },
  DOM: { lib: ['ES2022', 'DOM'], types: [], module: 'ESNext' },
  worker: { lib: ['ES2022', 'WebWorker'], types: [], module: 'ESNext' },
  'DOM and Node': { lib: ['ES2022', 'DOM'], types: ['node'], module: 'NodeNext' },
  'await using': { lib: ['ES2022', 'ESNext.Disposable', 'DOM'], types: [], module: 'ESNext', file: 'dispose.ts' },
};

const wanted = process.argv.slice(2);
for (const version of VERSIONS) {
  if (wanted.length > 0 && !wanted.some((word) => version.startsWith(word))) continue;
  for (const [name, { lib, types, module, file = 'program.ts' }] of Object.entries(projects)) {
    const moduleResolution = module === 'ESNext' ? 'Bundler' : module;
    const compilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      target: 'ES2022',
      lib,
      types,
      module,
      moduleResolution,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    const { status, output } = start(
      process.execPath,
      [`node_modules/typescript-${version}/bin/tsc`, '-p', '.', '--pretty', 'false'],
      folder,
    );
    console.log(`${status === 0 ? 'ok  ' : 'FAIL'} TypeScript ${version}, ${name}`);
    if (status === 0) continue;
    process.exitCode = 1;
    for (const line of output.split('\n').slice(0, 8)) console.log(`     ${line}`);
  }
}
