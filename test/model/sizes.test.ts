/**
 * The programs of every published size, at 1 and 16 windows, greedy and with five beams, in each storage type, with optional features
 * and without: what they bind and dispatch is within the limits that every WebGPU adapter has, by the word of Dawn's validation.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { publishedSizes } from '../../src/model/publishedSizes.ts';
import { openNullModel } from '../support/nullModel.ts';

const test = suite('sizes');

const only = process.argv[2];
const SIZES = ['tiny', 'base', 'small', 'medium', 'large-v3', 'large-v3-turbo'] as const;
const STORAGE = [
  { dtype: 'f32', cacheDtype: 'f32' },
  { dtype: 'f16', cacheDtype: 'f16' },
  { dtype: 'int8', cacheDtype: 'f16' },
] as const;

for (const size of SIZES)
  for (const storage of STORAGE)
    for (const windows of [1, 16]) {
      const title = `${size}, ${storage.dtype}, ${windows} windows`;
      if (only !== undefined && !title.includes(only)) continue;
      test(title, async () => {
        const dims = publishedSizes[size];
        for (const hasFeatures of [false, true]) {
          const model = await openNullModel(dims, { ...storage, windows }, { hasFeatures });
          try {
            await model.decode({ tokens: 9 });
            // The longest prompts that there are.
            await model.decode({ tokens: 1, promptTokens: dims.nTextCtx - 1 });
            await model.decode({ beams: 5, tokens: 9 });
            const names = new Set(model.submitted.map(({ program }) => program.name));
            for (const name of ['prefill', 'step', 'stepBeams']) assert.ok(names.has(`decoder.${name}`), name);
            assert.equal(await model.gpu.errors(), []);
            // One window, greedy or with beams: eight a layer and three, and two for each further shard of the embedding.
            const most = 8 * dims.nTextLayer + 3 + 2 * (model.weights.embedding.length - 1);
            for (const { program, times, dispatches } of windows === 1 ? model.submitted : [])
              if (/step/i.test(program.name))
                assert.ok(dispatches.length <= most * times, `${program.name}: ${dispatches.length}`);
            // A batch: eleven a layer and six, and products that fill a large card; with beams (80 rows) one workgroup a core.
            const batch = most + 3 * dims.nTextLayer + 3;
            for (const { program, times, dispatches } of windows === 16 ? model.submitted : []) {
              if (!/step/i.test(program.name)) continue;
              assert.ok(dispatches.length <= batch * times, `${program.name}: ${dispatches.length}`);
              const products = dispatches.filter(({ label }) => /matmul|logits/i.test(label));
              assert.ok(products.length >= 6 * dims.nTextLayer * times);
              const least = program.name.endsWith('Beams') ? 132 : 264;
              for (const { label, workgroups } of products)
                assert.ok(workgroups >= least, `${program.name}: ${workgroups} workgroups of ${label}`);
            }
            assert.ok(model.gpu.counts.dispatches.length > 100);
          } finally {
            await model.close();
          }
        }
      });
    }

test.run();
