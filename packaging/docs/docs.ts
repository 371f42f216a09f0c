/** Builds the documents alone: `npm run docs [-- FOLDER]`, by default into `dist/site/docs`. */
import { join, resolve } from 'node:path';
import { siteFolder } from '../siteFiles.ts';
import { buildDocs } from './docsFiles.ts';

const folder = process.argv[2] === undefined ? join(siteFolder, 'docs') : resolve(process.argv[2]);
const files = await buildDocs(folder);
console.log(`${files.length} files in ${folder}`);
