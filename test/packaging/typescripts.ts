/**
 * Compiles a program that uses every entry point, with `skipLibCheck: false`, by the versions of TypeScript from 5.6 on, with the
 * types of the DOM, of Node, of both, of a worker and of none; a line each. Fetches them first.
 *
 *   npm run typescripts [-- VERSION...]
 */
import { fetchProject, keptFolder } from './fetchProject.ts';
import { compile, TYPES_PROJECTS } from './typesProgram.ts';

const VERSIONS = ['5.6.3', '5.7.3', '5.8.3', '5.9.3', '6.0.3', '7.0.2'];
const { folder } = fetchProject(keptFolder('typescripts'), [
  '@types/node@22',
  ...VERSIONS.map((version) => `typescript-${version}@npm:typescript@${version}`),
]);

const wanted = process.argv.slice(2);
for (const version of VERSIONS) {
  if (wanted.length > 0 && !wanted.some((word) => version.startsWith(word))) continue;
  for (const [name, project] of Object.entries(TYPES_PROJECTS)) {
    const { status, output } = compile(folder, `node_modules/typescript-${version}/bin/tsc`, project);
    const isRight = (status === 0) === (name !== 'wrong');
    console.log(`${isRight ? 'ok  ' : 'FAIL'} TypeScript ${version}, ${name}`);
    if (isRight) continue;
    process.exitCode = 1;
    for (const line of output.split('\n').slice(0, 8)) console.log(`     ${line}`);
  }
}
