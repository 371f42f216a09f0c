/** Where guards are put into a text; that they hold is seen in lab/runFork.test.ts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { guardLoops } from '../../src/lab/loopGuard.ts';

const test = suite('lab/loopGuard');

/** With the guard as G. */
const guarded = (wgsl: string): string =>
  guardLoops(wgsl)
    .replaceAll(/sotto_turns \+= 1u; if \(.*?break; \}/g, 'G')
    .replace(' var<private> sotto_turns: u32; ', '^');

test('every kind of loop, nested ones too, and behind headers with braces of their own', () => {
  assert.is(guarded('for (var i = 0u; i < 3u; i++) { a(); }'), '^for (var i = 0u; i < 3u; i++) { G a(); }');
  assert.is(guarded('while i < 3 { loop { if (x) { break; } } }'), '^while i < 3 { G loop { G if (x) { break; } } }');
  assert.is(guarded('fn forward() {} // loop {\nlet loops = 3;'), '^fn forward() {} // loop {\nlet loops = 3;');
});

test('a loop with a barrier in it stays; the loop inside of it does not', () => {
  assert.is(
    guarded('loop { workgroupBarrier(); while (y) { z(); } }'),
    '^loop { workgroupBarrier(); while (y) { G z(); } }',
  );
});

test('directives stay first; a brace that is missing is left to the compiler', () => {
  assert.is(
    guarded('// one\nenable f16;\nrequires a, b;\nfn f() {}'),
    '// one\nenable f16;\nrequires a, b;^\nfn f() {}',
  );
  assert.is(guarded('loop { a();'), '^loop { a();');
});

test.run();
