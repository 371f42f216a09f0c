/** A window that is encoded again gives back each place that it took. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AudioFeatures, Inference } from '../../src/decode/inference.ts';
import { LastingFeatures } from '../../src/lasting/lastingFeatures.ts';

const test = suite('lasting/lastingFeatures');

/** An engine that knows nothing but how many windows are open. */
function counted() {
  let open = 0;
  const encode = async (): Promise<AudioFeatures> => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    open++;
    return { close: () => void open-- } as AudioFeatures;
  };
  return { engine: { encode } as unknown as Inference, open: () => open };
}

async function lostOnce() {
  const [first, next] = [counted(), counted()];
  const features = new LastingFeatures(
    new Float32Array(1),
    first.engine,
    await first.engine.encode(new Float32Array(1)),
  );
  return { features, next };
}

test('asked for twice at once on the next engine', async () => {
  const { features, next } = await lostOnce();
  await Promise.all([features.on(next.engine), features.on(next.engine)]);
  assert.is(next.open(), 1);
  features.close();
  assert.is(next.open(), 0);
});

test('closed while it is encoded again', async () => {
  const { features, next } = await lostOnce();
  const again = features.on(next.engine);
  features.close();
  await again;
  assert.is(next.open(), 0);
});

test.run();
