/** A program that uses every entry point, and the projects in which it has to compile with `skipLibCheck: false`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, start } from './fetchProject.ts';

const PROGRAM = `import { type DeviceOptions, load, type LogitFilter, type Platform, readAudio, type Whisper } from 'sotto';
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
`;
const DISPOSE = `import { load } from 'sotto';
await using whisper = await load('tiny');
export const text: string = (await whisper.transcribe('talk.mp3')).text;
`;
/** The types say what the functions take: it must not compile. */
const WRONG = `import { load } from 'sotto';
export const text: number = (await (await load('tiny', { threads: 'two' })).transcribe('talk.mp3')).text;
`;

export interface TypesProject {
  readonly lib: readonly string[];
  readonly types: readonly string[];
  readonly module: 'Node16' | 'NodeNext' | 'ESNext';
  readonly file?: string;
}

export const TYPES_PROJECTS: Readonly<Record<string, TypesProject>> = {
  'no types, node16': { lib: ['ES2022'], types: [], module: 'Node16' },
  'no types, nodenext': { lib: ['ES2022'], types: [], module: 'NodeNext' },
  Node: { lib: ['ES2022'], types: ['node'], module: 'NodeNext' },
  'DOM, bundler': { lib: ['ES2022', 'DOM'], types: [], module: 'ESNext' },
  worker: { lib: ['ES2022', 'WebWorker'], types: [], module: 'ESNext' },
  'DOM and Node': { lib: ['ES2022', 'DOM'], types: ['node'], module: 'NodeNext' },
  'await using': { lib: ['ES2022', 'ESNext.Disposable', 'DOM'], types: [], module: 'ESNext', file: 'dispose.ts' },
  wrong: { lib: ['ES2022', 'DOM'], types: [], module: 'ESNext', file: 'wrong.ts' },
};

/**
 * @param folder a project with sotto, and `@types/node` where types ask for it
 * @param tsc    a script that Node runs
 */
export function compile(folder: string, tsc: string, project: TypesProject): Outcome {
  const { file = 'program.ts' } = project;
  for (const [name, text] of Object.entries({ 'program.ts': PROGRAM, 'dispose.ts': DISPOSE, 'wrong.ts': WRONG }))
    writeFileSync(join(folder, name), text);
  return compileFiles(folder, tsc, project, [file]);
}

/** The same for programs of documents, each a module of its own, with the types of the DOM and of Node. */
export function compilePrograms(folder: string, tsc: string, programs: readonly string[]): Outcome {
  const files = programs.map((_, i) => `document${i}.ts`);
  for (const [i, file] of files.entries()) writeFileSync(join(folder, file), programs[i]!);
  const lib = ['ES2022', 'DOM', 'DOM.Iterable'];
  return compileFiles(folder, tsc, { lib, types: ['node'], module: 'NodeNext' }, files);
}

function compileFiles(
  folder: string,
  tsc: string,
  { lib, types, module }: TypesProject,
  files: readonly string[],
): Outcome {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    target: 'ES2022',
    lib,
    types,
    module,
    moduleResolution: module === 'ESNext' ? 'Bundler' : module,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  return start(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], folder);
}
