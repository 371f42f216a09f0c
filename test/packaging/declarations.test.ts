/** Declarations for every project: what becomes of the names of the runtime. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { portable } from '../../packaging/declarations.ts';

const test = suite('declarations');
const alias = (name: string): string =>
  `type ${name} = typeof globalThis extends { ${name}: { prototype: infer T } } ? T : never;\n`;

const rows: readonly (readonly [what: string, before: string, after: string])[] = [
  ['nothing to do', 'export declare const a: number;\n', 'export declare const a: number;\n'],
  [
    'a name of the runtime',
    'export declare function a(b: Blob | URL): void;\n',
    `export declare function a(b: Blob | URL): void;\n${alias('Blob')}${alias('URL')}export {};\n`,
  ],
  [
    'before the map',
    'export type A = GPUDevice;\n//# sourceMappingURL=a.d.ts.map',
    `export type A = GPUDevice;\n${alias('GPUDevice')}export {};\n//# sourceMappingURL=a.d.ts.map`,
  ],
  [
    'in comments',
    '/** A Blob or a GPU. */\nexport type A = 1; // URL\n',
    '/** A Blob or a GPU. */\nexport type A = 1; // URL\n',
  ],
  [
    'as a part of a word, a property, a string',
    "export type A = { URL: 'Blob'; GPU?: MyBlob };\n",
    "export type A = { URL: 'Blob'; GPU?: MyBlob };\n",
  ],
  [
    'of its own',
    'export interface Blob {\n}\nexport type A = Blob;\n',
    'export interface Blob {\n}\nexport type A = Blob;\n',
  ],
  [
    'arrays',
    'export declare const a: Uint8Array<ArrayBuffer>, b: Float32Array<ArrayBufferLike>;\n',
    "export declare const a: ReturnType<Uint8Array['slice']>, b: Float32Array;\n",
  ],
  [
    'WebAssembly',
    'export type A = Promise<WebAssembly.Module>;\n',
    'export type A = Promise<WebAssemblyModule>;\ntype WebAssemblyModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T : never;\nexport {};\n',
  ],
];
for (const [what, before, after] of rows) {
  test(what, () => {
    assert.is(portable(before), after);
    assert.is(portable(after), after, 'twice');
  });
}

test.run();
