/** Writes `sotto.msgpack`, whose form `src/weights/sideFile.ts` tells. Apart from reading it, which pages do, too. */
import { pack } from 'msgpackr/pack';
import { SIDE_FILE_VERSION, type SideFile } from '../src/checkpoint/sideFile.ts';

export function packSideFile({ config, tokenizer, stamps }: SideFile): Uint8Array<ArrayBuffer> {
  const { tokenOffsets, ...rest } = tokenizer;
  const tokenLengths = Uint8Array.from(tokenOffsets.subarray(1), (end, id) => end - tokenOffsets[id]!);
  return new Uint8Array(pack({ sotto: SIDE_FILE_VERSION, stamps, config, tokenizer: { ...rest, tokenLengths } }));
}
