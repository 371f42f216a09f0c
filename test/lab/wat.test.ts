/** The text of every kernel's WebAssembly, held against an assembler: it makes code of it that has the same text again. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import loadWabt from 'wabt';
import { KernelError } from '../../src/base/errors.ts';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { isMadeFor, storageChoices } from '../../src/lab/checkKernel.ts';
import { disassemble } from '../../src/lab/wat/disassemble.ts';
import { wasmOf } from '../../src/lab/wat/wasmOf.ts';

const test = suite('lab/wat');
const wabt = await loadWabt();

function assemble(text: string): Uint8Array {
  const module = wabt.parseWat('kernel.wat', text, {
    simd: true,
    threads: true,
    relaxed_simd: true,
    bulk_memory: true,
  });
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** Not every variant is for this case and these types. */
function noVariant(error: unknown): undefined {
  if (!(error instanceof KernelError)) throw error;
}

for (const module of kernels.filter(({ kernel }) => isMadeFor(kernel, 'cpu')))
  test(`${module.kernel.name}: each variant, as plain and relaxed code`, async () => {
    const source = module.kernel.variants.wasm;
    const variants = (typeof source === 'function' ? await source([], () => true) : source) ?? [];
    const device = createReferenceDevice();
    let count = 0;
    for (const features of [
      { relaxedSimd: false, revectorize: false, preloadsOperands: false },
      { relaxedSimd: true, revectorize: true, preloadsOperands: false },
    ])
      for (const variant of [undefined, ...variants.map(({ name }) => name)])
        for (const storage of storageChoices(module.kernel)) {
          const caseIndex = 0;
          const made = await wasmOf(device, module, { caseIndex, storage, variant, features }).catch(noVariant);
          if (!made) continue;
          const text = disassemble(made.bytes, made);
          assert.is(disassemble(assemble(text), made), text, `${made.variant} ${JSON.stringify(storage)}`);
          count++;
        }
    assert.ok(count >= 2, `${count} texts`);
  });

test('names of arguments, folded operands, exact numbers', async () => {
  const layerNorm = kernels.find(({ kernel }) => kernel.name === 'layerNorm')!;
  const features = { relaxedSimd: true, revectorize: false, preloadsOperands: false };
  const made = await wasmOf(createReferenceDevice(), layerNorm, { caseIndex: 1, storage: {}, features });
  const text = disassemble(made.bytes, made);
  assert.match(text, '(param $gamma i32)');
  assert.match(text, /\(local\.set \$v\d+ \(f32x4\.relaxed_madd \(local\.get/);
  assert.match(text, 'f32x4 0.00001 0.00001 0.00001 0.00001');
});

test('what is no module is refused', () => {
  assert.throws(() => disassemble(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])), /no module/);
  assert.throws(() => disassemble(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 10, 90])), /beyond the end/);
});

test.run();
