/**
 * Prompts of many windows, of more tokens than have the MLP's hidden layer in one tensor: a part is fed after the other, and
 * the few rows that are wanted of one are kept by the host while the next is written over it.
 */
import { type Device, readFloats } from '../../engine/device.ts';
import type { Tensor } from '../../engine/program.ts';

interface Fed {
  readonly tokens: readonly number[];
}

/**
 * @param hidden a row for each token that is fed at once
 * @param wanted tokens, counted over all prompts, whose rows are asked for
 * @param feed   runs prompts of no more tokens than that
 * @returns where each of them lies in the end
 */
export async function inParts<P extends Fed>(
  device: Device,
  hidden: Tensor,
  prompts: readonly P[],
  wanted: readonly number[],
  feed: (part: readonly P[]) => Promise<unknown>,
): Promise<readonly number[]> {
  const [most = 0, width = 0] = hidden.shape;
  const kept = new Map<number, Float32Array>();
  let begin = 0;
  for (const part of partsOf(prompts, most)) {
    await feed(part);
    const end = begin + tokensOf(part);
    const own = [...new Set(wanted)].filter((token) => token >= begin && token < end);
    const read = own.map((token) => readFloats(device, hidden, (token - begin) * width, (token - begin + 1) * width));
    for (const [i, row] of (await Promise.all(read)).entries()) kept.set(own[i]!, row);
    begin = end;
  }
  const places = [...kept.keys()];
  for (const [place, token] of places.entries()) device.write(hidden, kept.get(token)!, place * width);
  return wanted.map((token) => places.indexOf(token));
}

/** In order, as many as have at most so many tokens. */
function partsOf<P extends Fed>(prompts: readonly P[], most: number): readonly (readonly P[])[] {
  const parts: P[][] = [[]];
  for (const prompt of prompts) {
    const last = parts.at(-1)!; // there is one
    if (tokensOf([...last, prompt]) <= most) last.push(prompt);
    else parts.push([prompt]);
  }
  return parts;
}

function tokensOf(prompts: readonly Fed[]): number {
  return prompts.reduce((sum, { tokens }) => sum + tokens.length, 0);
}
