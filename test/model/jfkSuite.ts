/**
 * The real model on one device against openai/whisper's numbers for the JFK clip: encoder output and logits. Limits: 2e-3
 * absolute for both (PyTorch's own f32 is off by up to 5.4e-4 from f64 where the encoder's values reach 24).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from '../../src/checkpoint/config.ts';
import type { Device } from '../../src/engine/device.ts';
import { createInference } from '../../src/model/inference.ts';
import { openFolder } from '../../weights/fileSource.ts';
import { openOnnxFiles } from '../../weights/onnx.ts';
import { basePackage, sharedOrSkip, tinyPackage } from '../support/paths.ts';
import { readReferenceTensors } from '../support/referenceTensors.ts';

const limit = 2e-3;

export function jfkSuite(title: string, size: 'tiny' | 'base', open: () => Promise<Device>): void {
  const shared = sharedOrSkip(`JFK's numbers, ${size} on ${title}`);
  if (!shared) return;
  const test = suite(`jfk ${size} ${title}`);
  test('encoder output and logits', async () => {
    const expected = readReferenceTensors(join(shared, 'reference', `${size}-jfk.safetensors`));
    const folder = size === 'tiny' ? tinyPackage : basePackage;
    const { dims } = readConfig(
      { name: 'config.json', text: readFileSync(join(folder, 'config.json'), 'utf8') },
      undefined,
    );
    const files = await openOnnxFiles(openFolder(join(folder, 'onnx')));
    assert.ok(files);
    const device = await open();
    try {
      const inference = await createInference(device, dims, {
        dtype: () => 'f32',
        pieces: (name, signal) => files.pieces(name, signal),
      });
      const features = await inference.encode(Float32Array.from(expected.log_mel!));
      const encoderError = largestDifference(await inference.encoderOutput(), expected.encoder!);
      const tokens = Array.from(expected.tokens!);
      const logits = await inference.teacherForced(features, tokens);
      let logitError = 0;
      for (const [i, row] of expected.rows!.entries())
        logitError = Math.max(
          logitError,
          largestDifference(
            logits.subarray(row * dims.nVocab, (row + 1) * dims.nVocab),
            expected.logits!.subarray(i * dims.nVocab, (i + 1) * dims.nVocab),
          ),
        );
      const best = tokens.map((_, row) => {
        const values = logits.subarray(row * dims.nVocab, (row + 1) * dims.nVocab);
        return values.reduce((at, value, id) => (value > values[at]! ? id : at), 0);
      });
      console.log(
        `${size} on ${device.description}: encoder within ${encoderError.toExponential(1)}, logits within ${logitError.toExponential(1)}`,
      );
      assert.ok(encoderError <= limit, `encoder is off by ${encoderError}`);
      assert.ok(logitError <= limit, `logits are off by ${logitError}`);
      assert.equal(best, Array.from(expected.argmax!));
    } finally {
      await device.close();
      await files.close();
    }
  });
  test.run();
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.is(a.length, b.length);
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
